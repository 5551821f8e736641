//! The files that an executable is made from, and whether they have changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What belongs to a package beside what the compiler reads.
const MANIFESTS: [&str; 5] =
    ["Cargo.toml", "Cargo.lock", "build.rs", "rust-toolchain.toml", ".cargo/config.toml"];

/// When each file was written.
pub(super) type Seen = BTreeMap<PathBuf, SystemTime>;

/// Tells one build of a file from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(SystemTime, u64, u64);

impl Stamp {
    /// The stamp of a file; none if there is no file.
    pub(super) fn of(file: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(file).ok()?;
        Some(Self(metadata.modified().ok()?, metadata.ino(), metadata.len()))
    }
}

/// Where the sources of an executable are.
#[derive(Clone)]
pub(super) struct Sources {
    /// Cargo's own list of what the executable was made from.
    /// <https://doc.rust-lang.org/cargo/reference/build-cache.html#dep-info-files>
    list: PathBuf,
    folder: PathBuf,
}

impl Sources {
    /// The sources in the list beside `executable`, and what lies beside them in the package's `folder`.
    pub(super) fn of(executable: &Path, folder: &Path) -> Self {
        Self { list: executable.with_extension("d"), folder: folder.to_owned() }
    }

    /// Looks at every file.
    pub(super) async fn look(&self) -> Seen {
        let sources = self.clone();
        tokio::task::spawn_blocking(move || sources.seen()).await.unwrap_or_default()
    }

    fn seen(&self) -> Seen {
        let text = std::fs::read_to_string(&self.list).unwrap_or_default();
        let mut folders = BTreeSet::from([self.folder.join("src")]);
        let mut seen = Seen::new();
        for file in listed(&text).into_iter().chain(MANIFESTS.map(PathBuf::from)) {
            let file = self.folder.join(file);
            // A new file is on no list yet, but it lies beside others: whole folders of the package count.
            let inside = file.strip_prefix(&self.folder).ok();
            let parent = inside.and_then(|inside| inside.parent()?.components().next());
            match parent {
                Some(first) if !is_hidden(Path::new(&first)) => drop(folders.insert(self.folder.join(first))),
                _ => note(&file, &mut seen),
            }
        }
        folders.iter().for_each(|folder| walk(folder, &mut seen));
        seen
    }
}

fn note(file: &Path, seen: &mut Seen) {
    if let Ok(written) = std::fs::metadata(file).and_then(|metadata| metadata.modified()) {
        seen.insert(file.to_owned(), written);
    }
}

fn walk(folder: &Path, seen: &mut Seen) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        match kind {
            _ if is_hidden(&path) => {}
            Ok(kind) if kind.is_dir() => walk(&path, seen),
            _ => note(&path, seen),
        }
    }
}

/// What editors put beside a file for themselves.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with('~')
}

/// The files in a list of the form `target: file file…`, in which a backslash keeps a blank.
fn listed(text: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for (_, line) in text.lines().filter_map(|line| line.split_once(": ")) {
        let mut file = String::new();
        let mut letters = line.chars().chain([' ']);
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => file.extend(letters.next()),
                ' ' if !file.is_empty() => files.push(std::mem::take(&mut file).into()),
                ' ' => {}
                letter => file.push(letter),
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_list_of_cargo_is_read() {
        let files = listed("/t/debug/bot: /p/src/main.rs /p/my\\ texts/en.ftl\n");
        assert_eq!(files, [PathBuf::from("/p/src/main.rs"), PathBuf::from("/p/my texts/en.ftl")]);
    }

    #[test]
    fn new_files_beside_listed_ones_are_seen_and_editors_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["src/main.rs", "src/flow/new.rs", "locales/de/new.ftl", "host.json", "Cargo.toml"] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), "").unwrap();
        }
        for name in ["src/.main.rs.swp", "src/main.rs~", "notes.md"] {
            fs::write(root.join(name), "").unwrap();
        }
        let listed = ["src/main.rs", "locales/en/old.ftl", "host.json"].map(|name| root.join(name));
        let list = listed.map(|file| file.display().to_string()).join(" ");
        fs::write(root.join("bot.d"), format!("bot: {list}")).unwrap();
        let seen = Sources::of(&root.join("bot"), root).seen();
        let names: Vec<_> =
            seen.keys().map(|file| file.strip_prefix(root).unwrap().to_str().unwrap()).collect();
        assert_eq!(
            names,
            ["Cargo.toml", "host.json", "locales/de/new.ftl", "src/flow/new.rs", "src/main.rs"]
        );
    }
}
