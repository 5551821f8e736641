//! `app`: the app as one flat folder, which can be zipped for Azure or run by `func start`.

use std::{
    fs,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};

use crate::dev::app::{Layout, WRITTEN, is_a_strangers, this_program};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} app dist                    host.json, a folder for each function, and this program
  {program} app dist --with-settings    also local.settings.json, for `func start`
  {program} dev --root dist             run what was written

host.json and function folders of the --root go before the built-in ones. A folder that is not empty is
written to only if `app` wrote it before: it has a file `.backline-app` that lists what to replace.";

const SETTINGS: &str = "local.settings.json";

/// What `app` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The folder to write
    folder: PathBuf,
    /// Where the app's own host.json and functions are, if it has any
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Write local.settings.json too, unless it is there: the root's own, or one with a bot to try
    #[arg(long)]
    with_settings: bool,
}

/// Writes the folder.
pub(super) fn app(options: &Options) -> anyhow::Result<ExitCode> {
    let Options { folder, root, with_settings } = options;
    let this = this_program()?;
    let (layout, program) = layout(root, &this)?;
    let before = written_before(folder)?;
    make_folder(folder)?;
    // The program first, beside its old self: it may be the one that runs.
    let fresh = folder.join(format!("{WRITTEN}-program"));
    copy_program(&this, &fresh)?;
    for file in before {
        forget(folder, &file);
    }
    let place = folder.join(&program);
    make_folder(place.parent().unwrap_or(folder))?;
    fs::rename(&fresh, &place).with_context(|| format!("can't write `{}`", place.display()))?;
    layout.write(folder)?;
    let list = layout.paths().map(str::to_owned).chain([program.display().to_string()]);
    fs::write(folder.join(WRITTEN), list.map(|file| file + "\n").collect::<String>())?;
    if *with_settings {
        write_settings(root, folder)?;
    }
    println!("Wrote the app to `{}`.", folder.display());
    if cfg!(debug_assertions) {
        eprintln!("Its program is a debug build; `package` makes what Azure takes.");
    }
    Ok(ExitCode::SUCCESS)
}

/// The files of the app in `root`, and where among them its program belongs.
pub(super) fn layout(root: &Path, this: &Path) -> anyhow::Result<(Layout, PathBuf)> {
    ensure!(root.is_dir(), "there is no folder `{}`; name the app's with --root", root.display());
    ensure!(
        !is_a_strangers(root, this),
        "host.json in `{}` starts another program than this one: only an app of Backline can be written",
        root.display()
    );
    let layout = Layout::of(root)?;
    let program = layout.program()?;
    Ok((layout, program))
}

/// What an earlier run wrote into this folder.
fn written_before(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if folder.exists() {
        ensure!(folder.is_dir(), "`{}` is a file: name a folder", folder.display());
    }
    if let Ok(list) = fs::read_to_string(folder.join(WRITTEN)) {
        let inside = |path: &PathBuf| path.components().all(|part| matches!(part, Component::Normal(_)));
        return Ok(list.lines().map(PathBuf::from).filter(inside).collect());
    }
    let is_empty = fs::read_dir(folder).map_or(true, |mut files| files.next().is_none());
    ensure!(
        is_empty,
        "`{}` is not empty, and was not written by `app`: name another folder, or empty it",
        folder.display()
    );
    Ok(Vec::new())
}

/// Removes a file, and its folder if nothing else is in it. What is gone already is well.
fn forget(folder: &Path, file: &Path) {
    let _ = fs::remove_file(folder.join(file));
    if let Some(parent) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let _ = fs::remove_dir(folder.join(parent));
    }
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("can't make the folder `{}`", folder.display()))
}

fn copy_program(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("can't write the program into `{}`", to.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Settings hold tokens: only their owner may read them. What is there already stays.
fn write_settings(root: &Path, folder: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(root.join(SETTINGS))
        .unwrap_or_else(|_| include_str!("app/local.settings.json").to_owned());
    let file = folder.join(SETTINGS);
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
        Ok(mut new) => {
            std::io::Write::write_all(&mut new, text.as_bytes())?;
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            eprintln!("`{}` is there already and stays as it is.", file.display());
            Ok(())
        }
        Err(error) => Err(error).with_context(|| format!("can't write `{}`", file.display())),
    }
}
