//! The app that the local host runs: the one in the folder, or the one that is built in.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::config::Environment;

/// The files that tell the host what there is: an app without its own gets these.
const FILES: [(&str, &str); 6] = [
    ("host.json", include_str!("../../host.json")),
    ("telegram_webhook/function.json", include_str!("../../functions/telegram_webhook/function.json")),
    ("health/function.json", include_str!("../../functions/health/function.json")),
    (
        "advance_conversations/function.json",
        include_str!("../../functions/advance_conversations/function.json"),
    ),
    ("sweep/function.json", include_str!("../../functions/sweep/function.json")),
    ("keep_dead_letters/function.json", include_str!("../../functions/keep_dead_letters/function.json")),
];

/// What the setting is called that goes before host.json's own executable.
const EXECUTABLE: &str = "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath";

/// An app to run.
pub(super) struct App {
    /// The folder with host.json.
    pub(super) root: PathBuf,
    /// Is the handler this very program?
    pub(super) is_ours: bool,
    program: PathBuf,
}

impl App {
    /// The app in `root`; if there is no host.json, the built-in one, laid out under `data`. A host.json that names this
    /// program without having it beside it means the one that runs: so an app runs from where it is built.
    pub(super) fn find(root: &Path, data: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(root.is_dir(), "there is no folder `{}`; name the app's with --root", root.display());
        let program = std::env::current_exe().context("can't tell which program this is")?;
        if !root.join("host.json").exists() {
            let built_in = data.join("app");
            write(&built_in)?;
            return Ok(Self { root: built_in, is_ours: true, program });
        }
        let root = root.canonicalize()?;
        let text = std::fs::read_to_string(root.join("host.json"))?;
        // A broken host.json is the host's to report.
        let host: Value = serde_json::from_str(&text).unwrap_or_default();
        let named =
            host["customHandler"]["description"]["defaultExecutablePath"].as_str().unwrap_or_default();
        let is_name = |name: Option<&std::ffi::OsStr>| name.is_some_and(|name| name == named);
        let is_ours = (named == "backline" || is_name(program.file_name())) && !root.join(named).exists();
        Ok(Self { root, is_ours, program })
    }

    /// Tells the host which program the handler is.
    pub(super) fn adapt(&self, environment: &mut Environment) {
        if self.is_ours {
            environment.insert(EXECUTABLE.to_owned(), self.program.display().to_string());
        }
    }
}

/// Writes the built-in app into `folder`, flat, as packaging and the real host want it.
fn write(folder: &Path) -> anyhow::Result<()> {
    for (file, text) in FILES {
        let path = folder.join(file);
        let parent = path.parent().context("a file has a folder")?;
        std::fs::create_dir_all(parent)
            .with_context(|| format!("can't make the folder `{}`", parent.display()))?;
        std::fs::write(&path, text).with_context(|| format!("can't write `{}`", path.display()))?;
    }
    Ok(())
}
