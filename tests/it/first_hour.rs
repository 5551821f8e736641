//! A new user's first hour: the tutorial followed by its own words, a bot of one's own, and the command line on the way.

mod app;
mod command_line;
mod document;
mod reader;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// The program that is tested.
const PROGRAM: &str = env!("CARGO_BIN_EXE_backline");

/// A folder to work in. What cargo builds in it shares this repository's `target`, and fetches nothing.
struct Workshop {
    folder: TempDir,
}

impl Workshop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Built as this repository's own dependencies are, so that they are built once.
        let config = format!(
            "[build]\ntarget-dir = {:?}\n[net]\noffline = true\n[profile.dev]\ndebug = \"line-tables-only\"\n\
             [profile.dev.package.\"*\"]\nopt-level = 1\n[profile.dev.package.backline]\nopt-level = 0\n",
            target()
        );
        fs::create_dir(folder.path().join(".cargo")).unwrap();
        fs::write(folder.path().join(".cargo/config.toml"), config).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `backline` here.
    fn backline(&self, words: &[&str]) -> Done {
        Done::of(Command::new(PROGRAM).args(words).current_dir(self.path()))
    }
}

fn target() -> PathBuf {
    Path::new(PROGRAM).ancestors().nth(2).unwrap().to_owned()
}

/// Where cargo puts the program of a bot.
fn built(bot: &str) -> PathBuf {
    target().join("debug").join(bot)
}

/// What a command did.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Done {
    fn of(command: &mut Command) -> Self {
        // A cargo in here must not take this package, whose test runs, for its own: it would build much anew.
        let of_this_package = |name: &OsString| {
            let name = name.to_string_lossy();
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_PRIMARY_", "OUT_DIR"]
                .iter()
                .any(|start| name.starts_with(start))
        };
        std::env::vars_os().map(|(name, _)| name).filter(of_this_package).for_each(|name| {
            command.env_remove(name);
        });
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// What it printed; it must have ended well.
    fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }
}

#[tokio::test]
async fn the_tutorial_is_true_word_for_word() {
    let mut reader = reader::Reader::new();
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/FIRST_WORKFLOW.md")).unwrap();
    let blocks = document::blocks(&page);
    assert!(blocks.len() > 10, "the page has become short");
    for block in blocks {
        reader.follow(&block).await;
    }
    // What the page says after its last block.
    let stale = reader.run("cargo run -q -- talk src/lost.talk");
    assert_eq!(stale.code, Some(1), "{}", stale.out);
    assert!(stale.out.contains("can't go on at line 12: Ada has no button [Yes]"), "{}", stale.out);
    reader.run("cargo fmt --check").well();
    reader.end().await;
}

#[test]
fn a_new_bot_builds_passes_its_test_talks_and_speaks_of_itself() {
    let workshop = Workshop::new();
    let said = workshop.backline(&["new", "coffee-bar"]).well();
    assert!(said.contains("cd coffee-bar"), "{said}");
    let bot = workshop.path().join("coffee-bar");
    let cargo = |words: &[&str]| Done::of(Command::new("cargo").args(words).current_dir(&bot));
    let tested = cargo(&["test"]).well();
    assert!(tested.contains("1 passed"), "{tested}");
    cargo(&["fmt", "--check"]).well();
    cargo(&["build"]).well();
    let transcript = fs::read_to_string(bot.join("src/hello.talk")).unwrap();
    let program = |words: &[&str]| Done::of(Command::new(built("coffee-bar")).args(words).current_dir(&bot));
    assert_eq!(program(&["talk", "src/hello.talk"]).well(), transcript);
    let help = program(&["--help"]).well();
    assert!(help.contains("Usage: coffee-bar") && help.contains("  coffee-bar dev "), "{help}");
    assert!(!help.contains("backline"), "{help}");
    let version = program(&["--version"]).well();
    assert_eq!(version, format!("coffee-bar (backline {})\n", env!("CARGO_PKG_VERSION")));
}
