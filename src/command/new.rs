//! `new`: writes a team's own bot, a small crate that runs and passes its test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};

use crate::dev::app::this_program;

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} new front-desk                      a crate `front-desk` in a folder of that name
  {program} new ../front-desk                   the same, elsewhere
  {program} new front-desk --path ~/backline    on the Backline of this checkout
  {program} new front-desk --version 0.1        on the Backline of crates.io

Without --path and --version it depends on the checkout that this program was built in, if there is
one, and otherwise on this program's version.";

/// The files of a new bot. Neither a manifest nor a .gitignore may bear its name in here, where it would have effect.
const FILES: [(&str, &str); 8] = [
    ("Cargo.toml", include_str!("new/manifest.toml")),
    (".gitignore", include_str!("new/gitignore")),
    ("rustfmt.toml", include_str!("new/rustfmt.toml")),
    ("README.md", include_str!("new/README.md")),
    ("src/main.rs", include_str!("new/src/main.rs")),
    ("src/hello.rs", include_str!("new/src/hello.rs")),
    ("src/hello.talk", include_str!("new/src/hello.talk")),
    ("locales/en/hello.ftl", include_str!("new/locales/en/hello.ftl")),
];

/// What cargo and rustc keep for themselves: <https://doc.rust-lang.org/reference/keywords.html> and the folders of
/// `target`. A crate on `backline` can't be called so either.
const TAKEN: &str = "abstract alloc as async await backline become box break build const continue core crate deps do dyn \
    else enum examples extern false final fn for gen if impl in incremental let loop macro match mod move mut override \
    priv proc-macro pub ref return self static std struct super test trait true try type typeof unsafe unsized use \
    virtual where while yield";

/// What `new` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The bot's name; or the folder to make, which is called so
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// Depend on the Backline in this folder
    #[arg(long, conflicts_with = "version")]
    path: Option<PathBuf>,
    /// Depend on this version from crates.io
    #[arg(long)]
    version: Option<String>,
}

/// Which Backline the bot depends on.
enum Source {
    Checkout(PathBuf),
    Version(String),
}

/// Writes the crate.
pub(super) fn new(options: &Options) -> anyhow::Result<ExitCode> {
    let folder = &options.folder;
    let name = name(folder)?;
    let is_free = !folder.exists() || fs::read_dir(folder).is_ok_and(|mut files| files.next().is_none());
    ensure!(is_free, "`{}` is there already and not empty: choose another name", folder.display());
    let source = match (&options.path, &options.version) {
        (Some(path), _) => Source::Checkout(checkout(path)?),
        (None, Some(version)) => Source::Version(version.clone()),
        (None, None) => source_of_this()?,
    };
    for (file, text) in FILES {
        let text = text.replace("{{name}}", name).replace("{{backline}}", &source.requirement()?);
        write(&folder.join(file), &text)?;
    }
    if let Source::Checkout(checkout) = &source {
        // The versions that Backline is tested with; without them, cargo chooses the newest.
        let _ = fs::copy(checkout.join("Cargo.lock"), folder.join("Cargo.lock"));
    }
    let folder = folder.display();
    println!("Wrote the bot `{name}` to `{folder}`. Now:\n");
    println!(
        "  cd {folder}\n  cargo test          # plays src/hello.talk\n  cargo run -- dev    # chat with it"
    );
    Ok(ExitCode::SUCCESS)
}

fn name(folder: &Path) -> anyhow::Result<&str> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("`{}` is no name: try `front-desk`", folder.display()))?;
    let fits = name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    ensure!(
        fits,
        "`{name}` can't be a bot's name: at most 64 of a-z, 0-9 and -, a letter first, such as `{}`",
        fitting(name)
    );
    let is_taken = TAKEN.split_whitespace().any(|taken| taken == name);
    ensure!(!is_taken, "`{name}` can't be a bot's name, for Rust keeps it to itself: try `{name}-bot`");
    Ok(name)
}

/// The nearest name that is allowed.
fn fitting(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    let name = name.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    if name.is_empty() || name.len() > 64 { "front-desk".to_owned() } else { name.to_owned() }
}

/// The checkout that this program was built in, or else its version.
fn source_of_this() -> anyhow::Result<Source> {
    let program = this_program()?;
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Cargo builds from folders of its own too; those are no place to depend on.
    let mut folders =
        program.ancestors().chain([built_in].into_iter().filter(|path| path.join(".git").exists()));
    Ok(match folders.find(|folder| is_checkout(folder)) {
        Some(folder) => Source::Checkout(folder.to_owned()),
        None => Source::Version(env!("CARGO_PKG_VERSION").to_owned()),
    })
}

fn checkout(path: &Path) -> anyhow::Result<PathBuf> {
    let full = path.canonicalize().with_context(|| format!("can't find the folder `{}`", path.display()))?;
    ensure!(
        is_checkout(&full),
        "`{}` does not hold Backline: name the folder of its Cargo.toml",
        path.display()
    );
    Ok(full)
}

fn is_checkout(folder: &Path) -> bool {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    manifest.lines().any(|line| line.trim() == r#"name = "backline""#)
}

impl Source {
    /// As Cargo.toml says it. A JSON text is a TOML text.
    fn requirement(&self) -> anyhow::Result<String> {
        Ok(match self {
            Self::Version(version) => format!("version = {}", serde_json::to_string(version)?),
            Self::Checkout(path) => match path.to_str() {
                Some(path) => format!("path = {}", serde_json::to_string(path)?),
                None => bail!("`{}` can't be written into Cargo.toml: it is not UTF-8", path.display()),
            },
        })
    }
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let folder = file.parent().context("a file has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("can't make the folder `{}`", folder.display()))?;
    fs::write(file, text).with_context(|| format!("can't write `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_fit_is_refused_with_one_that_does() {
        for (wrong, better) in [
            ("Front Desk", "`front-desk`"),
            ("2nd_desk", "`nd-desk`"),
            ("desk-", "`desk`"),
            ("Übung", "`bung`"),
            ("…", "`front-desk`"),
            ("fn", "`fn-bot`"),
            ("backline", "`backline-bot`"),
        ] {
            let why = name(Path::new(wrong)).unwrap_err().to_string();
            assert!(why.contains(better), "{why}");
        }
        assert_eq!(name(Path::new("../desks/front-desk-2")).unwrap(), "front-desk-2");
        assert!(name(Path::new("..")).is_err());
    }

    #[test]
    fn a_bot_depends_on_a_checkout_or_a_version() {
        assert_eq!(Source::Version("0.1".to_owned()).requirement().unwrap(), r#"version = "0.1""#);
        let path = Source::Checkout(r#"/home/"ada"/backline"#.into()).requirement().unwrap();
        assert_eq!(path, r#"path = "/home/\"ada\"/backline""#);
        let this = checkout(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(checkout(&this.join("src")).is_err());
    }

    #[test]
    fn no_placeholder_is_left() {
        for (file, text) in FILES {
            let text = text.replace("{{name}}", "front-desk").replace("{{backline}}", "\"0.1\"");
            assert!(!text.contains("{{"), "{file}");
        }
    }
}
