//! Is a zip as Azure needs it? Every finding says what to do.

use std::{collections::BTreeMap, path::Path};

use super::{
    archive::{self, File, PROGRAM},
    elf::{self, Libc, Version},
    secrets,
};
use crate::{
    command::doctor::{Finding, files},
    dev::app::{HOST, Layout},
};

/// Every byte is loaded at a cold start.
const MOST_BYTES: usize = 5_000_000;

/// The glibc of Debian 12, on which Azure's current images stand, as one of them told on a Flex Consumption plan
/// (<https://github.com/Azure/azure-functions-python-worker/issues/1397>). Older ones stood on Debian 11, which has 2.31
/// (<https://github.com/Azure/azure-functions-python-worker/issues/1651>); which one a custom handler gets is promised
/// nowhere. A static program need not care.
const AZURES: Version = Version(2, 36);

/// Looks at a zip.
pub(super) fn look(zip: &[u8], is_to_be_static: bool, known: &[(String, String)]) -> Vec<Finding> {
    let files = match archive::read(zip) {
        Ok(files) => files,
        Err(error) => return vec![Finding::wrong("zip", format!("{error:#}"), "make it again")],
    };
    let texts = files.iter().filter(|file| file.path == HOST || is_function(&file.path));
    let text = |file: &File| (file.path.clone(), String::from_utf8_lossy(&file.bytes).into_owned());
    let layout = Layout::of_files(texts.map(text).collect());
    let named = layout.program().map(|program| program.to_string_lossy().into_owned());
    let mut findings = contents(&files, named.as_deref().ok());
    findings.push(version(zip));
    if let Some(host) = layout.text(HOST) {
        findings.extend(files::look_at(&layout));
        if let (Err(error), false) = (&named, host.is_empty()) {
            findings.push(Finding::wrong("program", format!("{error:#}"), "name it in host.json"));
        }
    }
    if let Some(program) = named.ok().and_then(|named| files.iter().find(|file| file.path == named)) {
        findings.push(needs(program, is_to_be_static));
    }
    findings.push(modes(&files, &layout));
    findings.push(size(zip.len()));
    findings.push(no_secrets(&files, known));
    findings
}

fn version(zip: &[u8]) -> Finding {
    match archive::version(zip) {
        Ok(Some(version)) => Finding::fine("version", version),
        _ => Finding::skipped("version", "it does not tell: `package` did not build its program"),
    }
}

/// `<name>/function.json`: Azure looks nowhere else.
/// <https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers#application-structure>
fn is_function(path: &str) -> bool {
    path.strip_suffix("/function.json").is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

/// Is everything there, and nothing else?
fn contents(files: &[File], program: Option<&str>) -> Vec<Finding> {
    let what = "layout";
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files {
        *times.entry(&file.path).or_default() += 1;
    }
    if !times.contains_key(HOST) {
        let inside = files.iter().find(|file| file.path.ends_with("/host.json"));
        return vec![match inside {
            Some(inside) => Finding::wrong(
                what,
                format!("host.json is not at the root, but at `{}`", inside.path),
                "zip what is in the folder, not the folder",
            ),
            None => Finding::wrong(what, "there is no host.json", "let `package` make the zip"),
        }];
    }
    let mut findings = Vec::new();
    if let Some(program) = program.filter(|program| !times.contains_key(program)) {
        let found = format!("host.json starts `{program}`, which is not in the zip");
        findings.push(Finding::wrong(what, found, "let `package` make the zip"));
    }
    for (path, count) in times {
        if count > 1 {
            findings.push(Finding::wrong(what, format!("`{path}` is there {count} times"), "make it again"));
        }
        if path == HOST || Some(path) == program || is_function(path) {
            continue;
        }
        let mend = if path.ends_with("/function.json") {
            "Azure finds functions right under the root only: move its folder there"
        } else if path.contains('\\') {
            "zip it where paths have slashes"
        } else {
            "leave it out: a package holds host.json, functions and the program"
        };
        findings.push(Finding::wrong(what, format!("`{path}` does not belong there"), mend));
    }
    if findings.is_empty() {
        findings.push(Finding::fine(what, "host.json, functions and the program, and nothing else"));
    }
    findings
}

fn needs(program: &File, is_to_be_static: bool) -> Finding {
    let build = "build it for x86_64-unknown-linux-musl: `rustup target add x86_64-unknown-linux-musl`";
    match elf::libc(&program.bytes) {
        Ok(Libc::Static) => Finding::fine("program", "static: it needs nothing of the machine it runs on"),
        Ok(Libc::Glibc(needed)) if is_to_be_static => {
            Finding::wrong("program", format!("needs glibc {needed}, and is to be static"), build)
        }
        Ok(Libc::Glibc(needed)) if needed > AZURES => {
            Finding::wrong("program", format!("needs glibc {needed}, Azure has {AZURES}"), build)
        }
        Ok(Libc::Glibc(needed)) => Finding::fine(
            "program",
            format!(
                "needs glibc {needed}; Azure's images have {AZURES} today, and a static one would not care"
            ),
        ),
        Err(why) => Finding::wrong("program", why, build),
    }
}

/// Files must be readable for everybody, and the program be a program: the host runs as somebody else.
fn modes(files: &[File], layout: &Layout) -> Finding {
    let program = layout.program().unwrap_or_default();
    for file in files {
        let wanted = if Path::new(&file.path) == program { 0o555 } else { 0o444 };
        let Some(mode) = file.mode else {
            let found = format!("`{}` has none: the zip was not made on a Unix", file.path);
            return Finding::wrong("modes", found, "let `package` make the zip");
        };
        if mode & wanted != wanted {
            let found = format!("`{}` is {:03o}", file.path, mode & 0o777);
            let wanted = if wanted == 0o555 { PROGRAM } else { 0o644 };
            return Finding::wrong("modes", found, format!("make it {wanted:03o}"));
        }
    }
    Finding::fine("modes", "everything can be read, the program can be run")
}

fn size(bytes: usize) -> Finding {
    let megabytes = |bytes: usize| format!("{:.2} MB", bytes as f64 / 1e6);
    let found = format!("{}, at most {}", megabytes(bytes), megabytes(MOST_BYTES));
    if bytes <= MOST_BYTES {
        Finding::fine("size", found)
    } else {
        Finding::wrong(
            "size",
            found,
            "look for what has come in: `cargo tree`, and the profile in Cargo.toml",
        )
    }
}

fn no_secrets(files: &[File], known: &[(String, String)]) -> Finding {
    const NAMES: [&str; 3] = ["local.settings.json", ".env", ".backline"];
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret)) || name.ends_with(".pem") {
            return Finding::wrong("secrets", format!("`{}` is there", file.path), "leave it out");
        }
        if let Some(found) = secrets::found(&file.bytes, known) {
            let mend = "take it out, and change it if anybody has seen this zip";
            return Finding::wrong("secrets", format!("`{}` holds {found}", file.path), mend);
        }
    }
    Finding::fine("secrets", "none were found")
}
