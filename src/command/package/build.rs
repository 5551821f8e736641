//! Builds the program for Azure's machines, so that the same sources give the same bytes.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::config::{self, Environment};

/// How cargo builds what is packed: the handler without the tools, for size, whatever the crate's own profile says. Which
/// program and for which machine is said besides.
const BUILD: [&str; 12] = [
    "build",
    "--release",
    "--locked",
    "--no-default-features",
    "--config",
    "profile.release.opt-level='s'",
    "--config",
    "profile.release.lto='fat'",
    "--config",
    "profile.release.codegen-units=1",
    "--config",
    "profile.release.strip='symbols'",
];

/// What waits for Azure most of its time is built yet smaller.
const SMALLEST: [&str; 7] = [
    "azure_core",
    "azure_data_cosmos",
    "azure_data_cosmos_driver",
    "azure_identity",
    "azure_storage_common",
    "azure_storage_queue",
    "typespec_client_core",
];

/// What of SQLite no store of ours uses. <https://www.sqlite.org/compile.html>
const SQLITE: &str = "-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 \
                      -USQLITE_ENABLE_RTREE -USQLITE_ENABLE_DBSTAT_VTAB -USQLITE_ENABLE_STAT4 -USQLITE_SOUNDEX \
                      -USQLITE_ENABLE_LOAD_EXTENSION -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_JSON \
                      -USQLITE_ENABLE_API_ARMOR -DSQLITE_OMIT_DEPRECATED";

/// Needs nothing of the machine it runs on. <https://doc.rust-lang.org/rustc/platform-support.html>
const STATIC: &str = "x86_64-unknown-linux-musl";
const DYNAMIC: &str = "x86_64-unknown-linux-gnu";

/// What cargo tells programs about the package it runs; a cargo that this program starts must not take it for its own.
const OF_ANOTHER: [&str; 6] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_PRIMARY_", "CARGO_BIN_", "CARGO_CRATE_", "OUT_DIR"];

/// What is to be built.
pub(super) struct Plan<'a> {
    pub(super) root: &'a Path,
    pub(super) bin: Option<&'a str>,
    pub(super) label: Option<&'a str>,
    pub(super) is_static: bool,
}

/// A program for Azure.
pub(super) struct Built {
    pub(super) program: PathBuf,
    /// What /health tells.
    pub(super) version: String,
}

/// Builds.
///
/// # Errors
/// What cargo or the sources lack, and what to do.
pub(super) fn build(plan: &Plan) -> anyhow::Result<Built> {
    let root = plan.root.canonicalize()?;
    let tools = Tools { environment: config::environment(&root)?, root };
    let package = tools.package()?;
    let bin = program(&package, plan.bin)?;
    let target = if tools.has_library(STATIC) {
        STATIC
    } else {
        ensure!(
            !plan.is_static,
            "Rust's library for {STATIC} is not installed: `rustup target add {STATIC}`"
        );
        eprintln!("Warning: the program will need glibc, for Rust's library for {STATIC} is not installed.");
        eprintln!("         `rustup target add {STATIC}` makes it one that needs nothing.");
        DYNAMIC
    };
    let version = tools.version(&package, plan.label)?;
    eprintln!("Building `{bin}` {version} for {target}.");
    let mut command = tools.cargo();
    command
        .args(BUILD)
        .args(SMALLEST.map(|name| format!("--config=profile.release.package.{name}.opt-level='z'")))
        .args(["--bin", &bin, "--target", target, "--message-format", "json-render-diagnostics"])
        .args(["--config", &format!("target.{target}.rustflags = [{}]", tools.renamed_folders(&package)?)])
        .env("BACKLINE_VERSION", &version)
        .env("LIBSQLITE3_FLAGS", SQLITE)
        // For C compilers: <https://reproducible-builds.org/specs/source-date-epoch/>.
        .env("SOURCE_DATE_EPOCH", "315532800")
        .stderr(Stdio::inherit());
    let done = command.output().context("can't start cargo")?;
    ensure!(done.status.success(), "cargo could not build `{bin}`: see above");
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let program = told.lines().rev().find_map(|line| executable(line, &bin));
    Ok(Built { program: program.with_context(|| format!("cargo built no `{bin}`"))?, version })
}

/// Where a program lies, if this line of cargo's tells of it.
/// <https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages>
fn executable(line: &str, bin: &str) -> Option<PathBuf> {
    let told: Value = serde_json::from_str(line).ok()?;
    (told["reason"] == "compiler-artifact" && told["target"]["name"] == bin)
        .then(|| told["executable"].as_str().map(PathBuf::from))?
}

/// Which program of the package is the app's.
fn program(package: &Value, wanted: Option<&str>) -> anyhow::Result<String> {
    let targets = package["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_bin = |target: &&Value| target["kind"][0] == "bin";
    let bins: Vec<&str> = targets.iter().filter(is_bin).filter_map(|bin| bin["name"].as_str()).collect();
    let chosen = wanted.or_else(|| package["default_run"].as_str());
    match (chosen, &bins[..]) {
        (Some(chosen), bins) if bins.contains(&chosen) => Ok(chosen.to_owned()),
        (Some(chosen), bins) => bail!("there is no program `{chosen}`; there is {}", bins.join(", ")),
        (None, [only]) => Ok((*only).to_owned()),
        (None, []) => bail!("this crate has no program: name the app's folder with --root"),
        (None, bins) => bail!("there are several programs: choose with --bin one of {}", bins.join(", ")),
    }
}

/// Cargo, rustc and git, for the app in a folder.
struct Tools {
    root: PathBuf,
    environment: Environment,
}

impl Tools {
    fn named(&self, variable: &str, usual: &str) -> Command {
        let mut command = Command::new(self.environment.get(variable).map_or(usual, String::as_str));
        command.current_dir(&self.root).stdin(Stdio::null());
        let names = self.environment.keys().filter(|name| OF_ANOTHER.iter().any(|of| name.starts_with(of)));
        names.for_each(|name| {
            command.env_remove(name);
        });
        command
    }

    fn cargo(&self) -> Command {
        self.named("CARGO", "cargo")
    }

    /// What cargo knows of the crate in the folder.
    fn package(&self) -> anyhow::Result<Value> {
        let manifest = self.root.join("Cargo.toml");
        ensure!(
            manifest.is_file(),
            "there is no Cargo.toml in `{}`: name the app's folder with --root, or a program with --program",
            self.root.display()
        );
        let mut command = self.cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1"]).stderr(Stdio::inherit());
        let done = command.output().context("can't start cargo: is Rust installed?")?;
        ensure!(done.status.success(), "cargo can't read `{}`: see above", manifest.display());
        let mut told: Value = serde_json::from_slice(&done.stdout).context("cargo told no JSON")?;
        let packages = told["packages"].as_array_mut().map(std::mem::take).unwrap_or_default();
        let is_here = |package: &Value| package["manifest_path"].as_str().map(Path::new) == Some(&manifest);
        let package = packages.into_iter().find(is_here);
        package.with_context(|| format!("`{}` is no crate: name the app's with --root", manifest.display()))
    }

    /// Is Rust's own library for this target installed?
    fn has_library(&self, target: &str) -> bool {
        let mut command = self.named("RUSTC", "rustc");
        let told = command.args(["--print", "target-libdir", "--target", target]).output();
        let Ok(told) = told else { return false };
        let folder = String::from_utf8_lossy(&told.stdout).trim().to_owned();
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        files.map(|file| file.file_name()).any(|name| name.to_string_lossy().starts_with("libstd-"))
    }

    /// What this build is called. Without git and without a label, its version has to do.
    fn version(&self, package: &Value, label: Option<&str>) -> anyhow::Result<String> {
        let version = package["version"].as_str().unwrap_or("0.0.0");
        if let Some(label) = label {
            // <https://semver.org/#spec-item-10>
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
            ensure!(
                !label.is_empty() && label.bytes().all(fits),
                "`{label}` can't be a build's name: letters, digits, `.` and `-`"
            );
            return Ok(format!("{version}+{label}"));
        }
        let Some(commit) = self.git(&["rev-parse", "--short=12", "HEAD"]) else {
            return Ok(version.to_owned());
        };
        let changed = self
            .git(&["status", "--porcelain", "--untracked-files=no", "--", "."])
            .is_none_or(|told| !told.is_empty());
        Ok(format!("{version}+{commit}{}", if changed { ".changed" } else { "" }))
    }

    fn git(&self, words: &[&str]) -> Option<String> {
        let done = self.named("GIT", "git").args(words).stderr(Stdio::null()).output().ok()?;
        done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// Tells rustc to write other names into the program for the folders of this machine, as TOML.
    /// <https://doc.rust-lang.org/rustc/remap-source-paths.html>
    fn renamed_folders(&self, package: &Value) -> anyhow::Result<String> {
        let home = || Some(Path::new(self.environment.get("HOME")?).join(".cargo"));
        let cargo_home = self.environment.get("CARGO_HOME").map(PathBuf::from).or_else(home);
        let manifest = package["manifest_path"].as_str().map(Path::new).and_then(Path::parent);
        let folders = [(cargo_home, "cargo"), (manifest.map(Path::to_owned), "app")];
        let mut told = Vec::new();
        for (folder, name) in folders {
            let Some(folder) = folder else { continue };
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(&folder);
            flag.push(format!("={name}"));
            let flag = flag.to_str().with_context(|| format!("`{}` is no UTF-8", folder.display()))?;
            // A JSON text is a TOML text.
            told.push(serde_json::to_string(flag)?);
        }
        Ok(told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_program_is_the_only_one_or_the_one_that_is_chosen() {
        let bin = |name: &str| json!({ "name": name, "kind": ["bin"] });
        let lib = json!({ "name": "x", "kind": ["lib"] });
        let one = json!({ "targets": [lib, bin("bot")] });
        let two = json!({ "targets": [bin("bot"), bin("tool")] });
        let defaulted = json!({ "targets": [bin("bot"), bin("tool")], "default_run": "tool" });
        assert_eq!(program(&one, None).unwrap(), "bot");
        assert_eq!(program(&two, Some("tool")).unwrap(), "tool");
        assert_eq!(program(&defaulted, None).unwrap(), "tool");
        assert!(program(&two, None).unwrap_err().to_string().contains("--bin one of bot, tool"));
        assert!(program(&one, Some("x")).unwrap_err().to_string().contains("there is bot"));
        assert!(program(&json!({ "targets": [lib] }), None).unwrap_err().to_string().contains("--root"));
    }

    #[test]
    fn cargo_tells_where_it_put_the_program() {
        let line = |what: Value| executable(&what.to_string(), "bot");
        let told =
            json!({ "reason": "compiler-artifact", "target": { "name": "bot" }, "executable": "/x/bot" });
        assert_eq!(line(told), Some("/x/bot".into()));
        assert_eq!(
            line(json!({ "reason": "compiler-artifact", "target": { "name": "bot" }, "executable": null })),
            None
        );
        assert_eq!(executable("   Compiling bot", "bot"), None);
    }
}
