//! The app that the local host runs: the files in the folder, and what is built in for those that are not there.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::config::Environment;

/// The files that tell the host what there is: an app without its own gets these.
const FILES: [(&str, &str); 8] = [
    (HOST, include_str!("../../host.json")),
    ("telegram_webhook/function.json", include_str!("../../functions/telegram_webhook/function.json")),
    ("health/function.json", include_str!("../../functions/health/function.json")),
    (
        "advance_conversations/function.json",
        include_str!("../../functions/advance_conversations/function.json"),
    ),
    ("sweep/function.json", include_str!("../../functions/sweep/function.json")),
    ("purge/function.json", include_str!("../../functions/purge/function.json")),
    ("watch_webhooks/function.json", include_str!("../../functions/watch_webhooks/function.json")),
    ("keep_dead_letters/function.json", include_str!("../../functions/keep_dead_letters/function.json")),
];

/// The file that tells the host about itself.
pub(crate) const HOST: &str = "host.json";

/// A built-in file.
pub(crate) fn built_in(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(file, _)| *file == path).map(|(_, text)| *text)
}

/// The functions that this program has code for.
pub(crate) fn built_in_functions() -> impl Iterator<Item = &'static str> {
    FILES.iter().filter_map(|(file, _)| file.strip_suffix("/function.json"))
}

/// What the setting is called that goes before host.json's own executable.
const EXECUTABLE: &str = "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath";

/// The file by which a folder is known that `backline app` wrote: it lists what was written, a path in each line.
pub(crate) const WRITTEN: &str = ".backline-app";

/// An app to run.
pub(super) struct App {
    /// The folder with host.json.
    pub(super) root: PathBuf,
    /// Is the handler a Backline app, in contrast to a stranger's?
    pub(super) is_ours: bool,
    /// The handler, if it is another than the one that host.json names.
    program: Option<PathBuf>,
}

impl App {
    /// The app in `root`. A host.json that names this program without having it beside it means the one that runs: so
    /// an app runs from where it is built. What such an app does not have is built in; then the whole is laid out under
    /// `data`.
    pub(super) fn find(root: &Path, data: &Path) -> anyhow::Result<Self> {
        ensure!(root.is_dir(), "there is no folder `{}`; name the app's with --root", root.display());
        let root = root.canonicalize()?;
        if root.join(WRITTEN).is_file() || is_unpacked(&root) {
            return Ok(Self { root, is_ours: true, program: None });
        }
        let program = this_program()?;
        if is_a_strangers(&root, &program) {
            return Ok(Self { root, is_ours: false, program: None });
        }
        let layout = Layout::of(&root)?;
        if layout.is_all_in(&root) {
            return Ok(Self { root, is_ours: true, program: Some(program) });
        }
        let whole = data.join("app");
        if whole.exists() {
            fs::remove_dir_all(&whole).with_context(|| format!("can't clear `{}`", whole.display()))?;
        }
        layout.write(&whole)?;
        Ok(Self { root: whole, is_ours: true, program: Some(program) })
    }

    /// Tells the host which program the handler is.
    pub(super) fn adapt(&self, environment: &mut Environment) {
        if let Some(program) = &self.program {
            environment.insert(EXECUTABLE.to_owned(), program.display().to_string());
        }
    }
}

/// This program's file.
///
/// # Errors
/// The system does not tell.
pub(crate) fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("can't tell which program this is")
}

/// Is this what a package holds: every function of ours right under the root, and the program beside them?
fn is_unpacked(root: &Path) -> bool {
    let has = |path: &str| root.join(path).is_file();
    let named = fs::read_to_string(root.join(HOST)).map(|host| executable(&host)).unwrap_or_default();
    !named.is_empty() && has(&named) && FILES.iter().all(|(file, _)| has(file))
}

/// Does the host.json in `root` start another program than this one? A broken host.json is the host's to report.
pub(crate) fn is_a_strangers(root: &Path, program: &Path) -> bool {
    let Ok(text) = fs::read_to_string(root.join(HOST)) else { return false };
    let named = executable(&text);
    let is_named = named == "backline" || program.file_name() == Some(OsStr::new(&named));
    let beside = root.join(named);
    let is_another = || !matches!((beside.canonicalize(), program.canonicalize()), (Ok(a), Ok(b)) if a == b);
    !is_named || (beside.is_file() && is_another())
}

fn executable(host: &str) -> String {
    let host: Value = serde_json::from_str(host.trim_start_matches('\u{feff}')).unwrap_or_default();
    let named = &host["customHandler"]["description"]["defaultExecutablePath"];
    named.as_str().unwrap_or_default().to_owned()
}

/// The files of an app as Azure wants them: functions one level under the root, each path with its text.
pub(crate) struct Layout {
    files: BTreeMap<String, String>,
}

impl Layout {
    /// The app in `root`: its own host.json, or else the built-in one; its own functions, in folders of their own or
    /// under `functions`, and the built-in ones of other names.
    ///
    /// # Errors
    /// A file that can't be read; a function that is there twice.
    pub(crate) fn of(root: &Path) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        let host = root.join(HOST);
        if host.is_file() {
            files.insert(HOST.to_owned(), read(&host)?);
        }
        for (name, file) in functions_in(root).into_iter().chain(functions_in(&root.join("functions"))) {
            if files.insert(format!("{name}/function.json"), read(&file)?).is_some() {
                bail!("two functions are named `{name}`: remove `{name}` or `functions/{name}`");
            }
        }
        for (file, text) in FILES {
            files.entry(file.to_owned()).or_insert_with(|| text.to_owned());
        }
        Ok(Self { files })
    }

    /// An app whose files are at hand already: paths and texts.
    pub(crate) fn of_files(files: BTreeMap<String, String>) -> Self {
        Self { files }
    }

    /// Is nothing of this built in: may the host run `root` as it is?
    fn is_all_in(&self, root: &Path) -> bool {
        self.files.keys().all(|file| root.join(file).is_file() || root.join("functions").join(file).is_file())
    }

    /// Where the program belongs, under the app's folder.
    ///
    /// # Errors
    /// host.json names none, or one elsewhere.
    pub(crate) fn program(&self) -> anyhow::Result<PathBuf> {
        let named = self.files.get(HOST).map(|text| executable(text)).unwrap_or_default();
        let is_inside = Path::new(&named).components().all(|part| matches!(part, Component::Normal(_)));
        ensure!(
            !named.is_empty() && is_inside,
            "`defaultExecutablePath` in host.json is `{named}`: name a file inside the app, such as `backline`"
        );
        Ok(named.into())
    }

    /// The paths of the files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// What a file says.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Writes the files into `folder`.
    ///
    /// # Errors
    /// What can't be written.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        for (file, text) in &self.files {
            let path = folder.join(file);
            let parent = path.parent().context("a file has a folder")?;
            fs::create_dir_all(parent)
                .with_context(|| format!("can't make the folder `{}`", parent.display()))?;
            fs::write(&path, text).with_context(|| format!("can't write `{}`", path.display()))?;
        }
        Ok(())
    }
}

/// The functions that have a folder right under this one: their names and files.
fn functions_in(folder: &Path) -> Vec<(String, PathBuf)> {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten();
    let functions = folders.map(|folder| {
        (folder.file_name().to_string_lossy().into_owned(), folder.path().join("function.json"))
    });
    functions.filter(|(_, file)| file.is_file()).collect()
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("can't read `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    const NESTED: (&str, &str) = ("functions/sweep/function.json", "nested");
    const FLAT: (&str, &str) = ("sweep/function.json", "flat");

    #[test]
    fn an_app_s_own_files_win_over_the_built_in_ones_nested_or_flat() {
        for (own, text) in [NESTED, FLAT] {
            let layout = Layout::of(folder(&[(own, text), ("digest/function.json", "new")]).path()).unwrap();
            assert_eq!(layout.files["sweep/function.json"], text);
            assert_eq!(layout.files["digest/function.json"], "new");
            assert_eq!(layout.files["health/function.json"], FILES[2].1);
            assert_eq!(layout.files[HOST], FILES[0].1);
        }
        let host = r#"{ "customHandler": { "description": { "defaultExecutablePath": "bin/bot" } } }"#;
        let layout = Layout::of(folder(&[(HOST, host)]).path()).unwrap();
        assert_eq!(layout.program().unwrap(), Path::new("bin/bot"));
        assert_eq!(layout.files.len(), FILES.len());
    }

    #[test]
    fn a_function_may_not_be_there_twice() {
        let twice = Layout::of(folder(&[NESTED, FLAT]).path()).err().unwrap();
        assert!(twice.to_string().contains("two functions are named `sweep`"), "{twice}");
    }

    #[test]
    fn a_program_outside_the_app_is_refused() {
        for path in ["", "../bot", "/bin/bot", "./bot/../../x"] {
            let host = format!(
                r#"{{ "customHandler": {{ "description": {{ "defaultExecutablePath": "{path}" }} }} }}"#
            );
            let layout = Layout::of(folder(&[(HOST, &host)]).path()).unwrap();
            assert!(layout.program().is_err(), "{path}");
        }
    }

    #[test]
    fn a_package_is_known_by_all_its_functions_and_its_program() {
        let files = [&FILES[..], &[("backline", "a program")]].concat();
        assert!(is_unpacked(folder(&files).path()));
        for left_out in 0..files.len() {
            let mut files = files.clone();
            files.remove(left_out);
            assert!(!is_unpacked(folder(&files).path()));
        }
    }

    #[test]
    fn a_host_json_that_names_another_program_is_a_strangers() {
        let naming = |program: &str| {
            format!(
                r#"{{ "customHandler": {{ "description": {{ "defaultExecutablePath": "{program}" }} }} }}"#
            )
        };
        let strangers = |files: &[(&str, &str)]| is_a_strangers(folder(files).path(), Path::new("/x/bot"));
        assert!(strangers(&[(HOST, &naming("node"))]));
        assert!(strangers(&[(HOST, &naming("bot")), ("bot", "a program of its own")]));
        assert!(!strangers(&[(HOST, &naming("bot"))]));
        assert!(!strangers(&[(HOST, &naming("backline")), ("backline/README.md", "a folder")]));
        assert!(!strangers(&[]));
    }
}
