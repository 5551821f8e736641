//! Who is started: each an app in a folder, as Azure and the local host take it.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

/// Names and values.
pub(crate) type Settings = BTreeMap<String, String>;

/// An app to be started.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// The folder with host.json.
    pub(crate) root: PathBuf,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    settings: Settings,
    /// The account, if not a file is where it remembers.
    cosmos: Option<String>,
}

impl Contestant {
    /// axum alone: this program with a word.
    pub(crate) fn bare(folder: &Path) -> Self {
        let program = std::env::current_exe().unwrap();
        Self::strangers("bare axum, SQLite", &folder.join("bare"), program, vec![crate::bare::WORD.into()])
    }

    /// What the custom handler of many an app is; it keeps nothing.
    pub(crate) fn node(folder: &Path) -> Self {
        let root = folder.join("node");
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("handler.js"), include_str!("handler.js")).unwrap();
        Self::strangers("Node, keeping nothing", &root, "node".into(), vec!["handler.js".into()])
    }

    fn strangers(name: &'static str, root: &Path, program: PathBuf, arguments: Vec<String>) -> Self {
        let host = json!({
            "version": "2.0",
            "customHandler": {
                "description": { "defaultExecutablePath": program, "arguments": arguments },
                "enableForwardingHttpRequest": true,
            },
            "extensions": { "http": { "routePrefix": "" } },
        });
        fs::create_dir_all(root.join("telegram_webhook")).unwrap();
        fs::write(root.join("host.json"), host.to_string()).unwrap();
        let function = include_str!("../../functions/telegram_webhook/function.json");
        fs::write(root.join("telegram_webhook/function.json"), function).unwrap();
        Self { name, root: root.to_owned(), program, arguments, settings: Settings::new(), cosmos: None }
    }

    /// What is in a package, or what a package of this build would hold.
    pub(crate) fn backline(
        name: &'static str,
        folder: &Path,
        package: Option<String>,
        bots: &Settings,
        cosmos: Option<&str>,
    ) -> Self {
        let root = folder.join("backline");
        let package = package.map_or_else(|| packed(folder), PathBuf::from);
        unpack(&package, &root);
        Self {
            name,
            program: root.join("backline"),
            root,
            arguments: Vec::new(),
            settings: bots.clone(),
            cosmos: cosmos.map(str::to_owned),
        }
    }

    /// What it finds in its environment when it keeps its things in this folder.
    pub(crate) fn settings(&self, data: &Path) -> Settings {
        let file = |name: &str| format!("sqlite:{}", data.join(name).display());
        let mut settings = self.settings.clone();
        let mut set = |name: &str, value: String| settings.insert(name.to_owned(), value);
        set("BARE_STORE", data.join("bare.db").display().to_string());
        set("AzureWebJobsStorage", file("queues.db"));
        set("RUST_LOG", "warn".to_owned());
        match &self.cosmos {
            Some(connection) => {
                set("STORE", "cosmos".to_owned());
                set("CosmosConnection", connection.clone());
            }
            None => {
                set("STORE", file("store.db"));
            }
        }
        settings
    }
}

/// A package of the program that was built with this measurement.
fn packed(folder: &Path) -> PathBuf {
    let zip = folder.join("built.zip");
    if !zip.exists() {
        let program = env!("CARGO_BIN_EXE_backline");
        let mut command = Command::new(program);
        command.args(["package", "--program", program, "--out"]).arg(&zip).stdout(Stdio::null());
        // It says what is wrong with it as a package; that does not matter here.
        command.status().unwrap();
    }
    zip
}

fn unpack(package: &Path, root: &Path) {
    let mut zip = zip::ZipArchive::new(Cursor::new(fs::read(package).unwrap())).unwrap();
    for n in 0..zip.len() {
        let mut file = zip.by_index(n).unwrap();
        let path = root.join(file.name().unwrap().as_ref());
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(file.unix_mode().unwrap())).unwrap();
    }
}
