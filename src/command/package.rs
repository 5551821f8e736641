//! `package`: from the sources to the zip that Azure runs, checked.

pub(super) mod archive;
mod build;
mod check;
mod elf;
mod secrets;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};

use self::archive::File;
use super::{app::layout, doctor::Report, tell};
use crate::{config, dev::app::this_program};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} package --out bot.zip             build and pack the app of this folder
  {program} package --check bot.zip           look at a zip, whoever made it
  {program} package --out bot.zip --static    fail where no static program can be built

The same sources give the same bytes, whenever and in whichever folder they are built. The program is built
without its tools and for size: static where Rust's library for x86_64-unknown-linux-musl is installed
(`rustup target add x86_64-unknown-linux-musl`, and a C compiler for it), otherwise for glibc.
It exits with 1 if the zip is not as Azure needs it; the zip is written all the same.";

/// What `package` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The zip to write
    #[arg(long, value_name = "FILE", required_unless_present = "check")]
    out: Option<PathBuf>,
    /// Only look at this zip
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "program", "bin", "build"])]
    check: Option<PathBuf>,
    /// The folder of the app: its Cargo.toml, and its own host.json and functions if it has any
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Take only a static program, which needs nothing of the machine it runs on
    #[arg(long = "static")]
    is_static: bool,
    /// Which of the crate's programs, if it has several
    #[arg(long, value_name = "NAME")]
    bin: Option<String>,
    /// Take this program instead of building one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bin", "build"])]
    program: Option<PathBuf>,
    /// What /health adds to the version; the commit if it is left out and git knows one
    #[arg(long, value_name = "NAME")]
    build: Option<String>,
    /// Print each finding as a JSON object
    #[arg(long)]
    json: bool,
}

/// Writes the zip, unless there is one to look at; and looks at it.
pub(super) fn package(options: &Options) -> anyhow::Result<ExitCode> {
    let zip = match (&options.check, &options.out) {
        (Some(zip), _) => zip,
        (None, Some(zip)) => {
            write(zip, options)?;
            zip
        }
        (None, None) => unreachable!("clap asks for one of the two"),
    };
    let bytes = fs::read(zip).with_context(|| format!("can't read `{}`", zip.display()))?;
    let mut report = Report::new(options.json);
    let settings = config::environment(&options.root)?;
    report.add(check::look(&bytes, options.is_static, &secrets::known(&settings)))?;
    if !options.json {
        let hash = Sha256::digest(&bytes);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        tell(&format!("\n{}: {} bytes, sha256 {hash}\n", zip.display(), bytes.len()))?;
    }
    report.end()
}

fn write(zip: &Path, options: &Options) -> anyhow::Result<()> {
    let (layout, place) = layout(&options.root, &this_program()?)?;
    let (program, version) = match &options.program {
        Some(program) => (program.clone(), None),
        None => {
            let built = build::build(&build::Plan {
                root: &options.root,
                bin: options.bin.as_deref(),
                label: options.build.as_deref(),
                is_static: options.is_static,
            })?;
            (built.program, Some(built.version))
        }
    };
    let bytes = fs::read(&program).with_context(|| format!("can't read `{}`", program.display()))?;
    let texts = layout.paths().filter_map(|path| Some(File::text(path, layout.text(path)?)));
    let mut files: Vec<File> = texts.collect();
    files.push(File::program(&place.to_string_lossy(), bytes));
    let packed = archive::write(files, version.as_deref())?;
    let parent = zip.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    ensure!(parent.is_dir(), "there is no folder `{}` to write the zip into", parent.display());
    // Never half a zip under this name.
    let fresh = zip.with_added_extension("part");
    fs::write(&fresh, packed).with_context(|| format!("can't write `{}`", fresh.display()))?;
    fs::rename(&fresh, zip).with_context(|| format!("can't write `{}`", zip.display()))
}
