//! `package`: the same bytes each time, what is in them, and every mistake that a zip may have; cargo is played.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use zip::{CompressionMethod, System, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Every file of a zip: its mode and bytes.
pub(crate) type Files = BTreeMap<String, (u32, Vec<u8>)>;

/// Any small program for these machines that needs glibc.
fn small_program() -> Option<PathBuf> {
    let fits = cfg!(all(target_arch = "x86_64", target_env = "gnu"));
    fits.then(|| fs::canonicalize("/bin/true").unwrap())
}

pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) told: String,
}

impl Done {
    /// What was found of a thing: its state and, with it, what was found and what mends it.
    fn of(&self, what: &str) -> (String, String) {
        let findings = self.told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let finding = findings
            .filter(|finding| finding["what"] == what)
            .max_by_key(|finding| finding["state"] == "wrong");
        let finding = finding.unwrap_or_else(|| panic!("nothing of `{what}` in {}", self.told));
        (finding["state"].as_str().unwrap().to_owned(), format!("{}; {}", finding["found"], finding["mend"]))
    }
}

/// Runs `package` in a folder, with a cargo and a rustc of ours if they are there.
pub(crate) fn package(folder: &Path, words: &[&str], settings: &[(&str, &str)]) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backline"));
    command
        .arg("package")
        .args(words)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .envs(settings.iter().copied());
    for (variable, tool) in [("CARGO", "cargo"), ("RUSTC", "rustc"), ("GIT", "git")] {
        let tool = folder.join("tools").join(tool);
        if tool.exists() {
            command.env(variable, tool);
        }
    }
    let done = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { code: done.status.code(), told: text(done.stdout) + &text(done.stderr) }
}

pub(crate) fn unpacked(zip: &Path) -> Files {
    let mut zip = ZipArchive::new(Cursor::new(fs::read(zip).unwrap())).unwrap();
    let files = (0..zip.len()).map(|n| {
        let mut file = zip.by_index(n).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        (file.name().unwrap().into_owned(), (file.unix_mode().unwrap() & 0o777, bytes))
    });
    files.collect()
}

fn packed(files: &Files, system: System) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, (mode, bytes)) in files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .system(system)
            .unix_permissions(*mode);
        zip.start_file(path.as_str(), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A package of this repository's app with a small program.
fn good(folder: &Path) -> Option<Files> {
    let program = small_program()?;
    let done = package(folder, &["--out", "good.zip", "--program", program.to_str().unwrap()], &[]);
    assert_eq!(done.code, Some(0), "{}", done.told);
    Some(unpacked(&folder.join("good.zip")))
}

fn script(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A crate, and a cargo that builds `/bin/true` for it; what cargo was told is in `told`.
fn crate_with_tools(folder: &Path, has_musl: bool) {
    fs::write(folder.join("Cargo.toml"), "").unwrap();
    let manifest = folder.canonicalize().unwrap().join("Cargo.toml");
    let bin = |name: &str| format!(r#"{{"name":"{name}","kind":["bin"]}}"#);
    let metadata = format!(
        r#"{{"packages":[{{"manifest_path":"{}","version":"1.2.3","default_run":"bot","targets":[{},{}]}}]}}"#,
        manifest.display(),
        bin("bot"),
        bin("tool"),
    );
    let built = r#"{"reason":"compiler-artifact","target":{"name":"bot"},"executable":"/bin/true"}"#;
    script(
        &folder.join("tools/cargo"),
        &format!(
            "#!/bin/sh\nif [ \"$1\" = metadata ]; then echo '{metadata}'; exit; fi\n\
             (echo \"$@\"; env) >>'{}'\necho '{built}'\n",
            folder.join("told").display()
        ),
    );
    let library = folder.join("library");
    fs::create_dir_all(&library).unwrap();
    if has_musl {
        fs::write(library.join("libstd-0123.rlib"), "").unwrap();
    }
    script(&folder.join("tools/rustc"), &format!("#!/bin/sh\necho '{}'\n", library.display()));
    script(&folder.join("tools/git"), "#!/bin/sh\n[ \"$1\" = status ] || echo 0123456789ab\n");
}

#[test]
fn the_same_app_gives_the_same_bytes_and_holds_what_azure_wants() {
    if small_program().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    crate_with_tools(folder.path(), true);
    let done = package(folder.path(), &["--out", "a.zip"], &[]);
    assert_eq!(done.code, Some(0), "{}", done.told);
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    fs::File::options()
        .write(true)
        .open(folder.path().join("Cargo.toml"))
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    assert_eq!(package(folder.path(), &["--out", "b.zip"], &[]).code, Some(0));
    let bytes = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("a.zip"), bytes("b.zip"));
    assert!(!folder.path().join("a.zip.part").exists());

    let files = unpacked(&folder.path().join("a.zip"));
    let program = fs::read("/bin/true").unwrap();
    assert_eq!(files["backline"], (0o755, program));
    assert_eq!(files["host.json"].0, 0o644);
    assert!(files.contains_key("telegram_webhook/function.json"));
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("functions")).unwrap().count();
    assert_eq!(files.len(), folders + 2, "{:?}", files.keys());
}

#[test]
fn cargo_is_told_what_makes_the_bytes_depend_on_the_sources_alone() {
    if small_program().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    crate_with_tools(folder.path(), true);
    let done = package(folder.path(), &["--out", "a.zip"], &[("CARGO_PKG_NAME", "another")]);
    assert_eq!(done.code, Some(0), "{}", done.told);
    let told = fs::read_to_string(folder.path().join("told")).unwrap();
    let here = folder.path().canonicalize().unwrap();
    for part in [
        "build --release --locked --no-default-features ",
        " --bin bot --target x86_64-unknown-linux-musl ",
        &format!("--remap-path-prefix={}=app", here.display()),
        "\nBACKLINE_VERSION=1.2.3+0123456789ab\n",
        "\nSOURCE_DATE_EPOCH=",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(!told.contains("CARGO_PKG_NAME"), "cargo takes another package for its own");
    assert!(!done.told.contains("glibc, for Rust"), "{}", done.told);

    let named = package(folder.path(), &["--out", "a.zip", "--build", "run-7", "--json"], &[]);
    assert_eq!(named.of("version").0, "fine", "the zip tells what /health will: {}", named.told);
    assert!(named.of("version").1.contains("1.2.3+run-7"), "{}", named.told);
    fs::remove_file(folder.path().join("tools/git")).unwrap();
    let without = package(folder.path(), &["--out", "a.zip"], &[("GIT", "/nowhere/git")]);
    assert!(without.told.contains("`bot` 1.2.3 for"), "{}", without.told);
}

#[test]
fn without_the_library_for_static_programs_people_are_warned_and_a_pipeline_is_refused() {
    if small_program().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    crate_with_tools(folder.path(), false);
    let done = package(folder.path(), &["--out", "a.zip"], &[]);
    assert_eq!(done.code, Some(0), "{}", done.told);
    assert!(done.told.contains("Warning: the program will need glibc"), "{}", done.told);
    assert!(
        fs::read_to_string(folder.path().join("told")).unwrap().contains("--target x86_64-unknown-linux-gnu")
    );
    let refused = package(folder.path(), &["--out", "b.zip", "--static"], &[]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.told.contains("rustup target add"), "{}", refused.told);
    assert!(!folder.path().join("b.zip").exists());
    let dynamic = package(folder.path(), &["--check", "a.zip", "--static", "--json"], &[]);
    let (state, told) = dynamic.of("program");
    assert!(state == "wrong" && told.contains("is to be static"), "{told}");
}

#[test]
fn what_cannot_be_packed_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (words, told) in [
        (&["--out", "a.zip"][..], "no Cargo.toml"),
        (&["--out", "nowhere/a.zip", "--program", "/bin/true"], "no folder `nowhere`"),
        (&["--out", "a.zip", "--root", "nowhere"], "--root"),
        (&["--check", "a.zip"], "can't read `a.zip`"),
        (&[], "--out"),
    ] {
        let done = package(folder.path(), words, &[]);
        assert!(done.code != Some(0) && done.told.contains(told), "{words:?}: {}", done.told);
    }
}

#[test]
fn every_mistake_in_a_zip_is_found_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let Some(good) = good(folder.path()) else { return };
    let host = String::from_utf8(good["host.json"].1.clone()).unwrap();
    let set = |files: &mut Files, path: &str, bytes: &[u8]| {
        files.insert(path.to_owned(), (0o644, bytes.to_vec()));
    };
    let token = format!("1234567890:{}", "x".repeat(35));
    type Plant<'a> = Box<dyn Fn(&mut Files) + 'a>;
    let moved = |files: &mut Files, from: &str, to: &str| {
        let file = files.remove(from).unwrap();
        files.insert(to.to_owned(), file);
    };
    let mistakes: Vec<(&str, &str, Plant)> = vec![
        ("layout", "no host.json", Box::new(|files| drop(files.remove("host.json")))),
        (
            "layout",
            "not the folder",
            Box::new(|files| {
                *files = std::mem::take(files)
                    .into_iter()
                    .map(|(path, file)| (format!("app/{path}"), file))
                    .collect();
            }),
        ),
        ("layout", "which is not in the zip", Box::new(|files| drop(files.remove("backline")))),
        ("layout", "does not belong", Box::new(|files| set(files, "README.md", b"hello"))),
        (
            "layout",
            "under the root only",
            Box::new(|files| {
                moved(files, "sweep/function.json", "functions/sweep/function.json");
            }),
        ),
        (
            "layout",
            "have slashes",
            Box::new(|files| moved(files, "sweep/function.json", "sweep\\function.json")),
        ),
        ("function sweep", "folder is missing", Box::new(|files| drop(files.remove("sweep/function.json")))),
        (
            "function digest",
            "no code for it",
            Box::new(|files| {
                set(files, "digest/function.json", br#"{"bindings":[{"type":"timerTrigger"}]}"#);
            }),
        ),
        ("function sweep", "no trigger", Box::new(|files| set(files, "sweep/function.json", b"{}"))),
        (
            "host.json",
            "set it to true",
            Box::new(|files| {
                let text = host.replace(
                    "\"enableForwardingHttpRequest\": true",
                    "\"enableForwardingHttpRequest\": false",
                );
                set(files, "host.json", text.as_bytes());
            }),
        ),
        (
            "program",
            "ELF",
            Box::new(|files| drop(files.insert("backline".into(), (0o755, b"#!/bin/sh\n".into())))),
        ),
        ("program", "processor", Box::new(|files| files.get_mut("backline").unwrap().1[18] = 183)),
        ("modes", "make it 755", Box::new(|files| files.get_mut("backline").unwrap().0 = 0o644)),
        ("modes", "make it 644", Box::new(|files| files.get_mut("host.json").unwrap().0 = 0o600)),
        (
            "size",
            "at most 5.00 MB",
            Box::new(|files| {
                // What nothing makes smaller.
                let mut noise = 1_u64;
                let noise = std::iter::repeat_with(|| {
                    noise ^= noise << 13;
                    noise ^= noise >> 7;
                    noise ^= noise << 17;
                    noise.to_le_bytes()
                });
                files.get_mut("backline").unwrap().1.extend(noise.take(700_000).flatten());
            }),
        ),
        ("secrets", "local.settings.json", Box::new(|files| set(files, "local.settings.json", b"{}"))),
        (
            "secrets",
            "bot's token",
            Box::new(|files| {
                files.get_mut("backline").unwrap().1.extend(format!(" {token} ").bytes());
            }),
        ),
        (
            "secrets",
            "BOTS__ops__secret",
            Box::new(|files| {
                files.get_mut("backline").unwrap().1.extend(b"abracadabra-sesame");
            }),
        ),
    ];
    let settings = [("BOTS__ops__secret", "abracadabra-sesame")];
    let zip = folder.path().join("planted.zip");
    let look = |bytes: Vec<u8>| {
        fs::write(&zip, bytes).unwrap();
        package(folder.path(), &["--check", "planted.zip", "--json"], &settings)
    };
    let unplanted = look(packed(&good, System::Unix));
    assert_eq!(unplanted.code, Some(0), "{}", unplanted.told);
    for (what, words, plant) in mistakes {
        let mut files = good.clone();
        plant(&mut files);
        let done = look(packed(&files, System::Unix));
        let (state, told) = done.of(what);
        assert!(
            done.code == Some(1) && state == "wrong" && told.contains(words),
            "{what}, {words}: {}",
            done.told
        );
        assert!(!done.told.contains("sesame") && !done.told.contains(&token), "{}", done.told);
    }
    let (state, told) = look(packed(&good, System::Dos)).of("modes");
    assert!(state == "wrong", "a zip from elsewhere has no modes: {told}");
    let (state, told) = look(b"PK, or rather not".to_vec()).of("zip");
    assert!(state == "wrong" && told.contains("no zip"), "{told}");
}
