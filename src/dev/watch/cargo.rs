//! How cargo built an executable: its place in the target folder tells.
//! <https://doc.rust-lang.org/cargo/reference/build-cache.html>

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// A build that makes an executable again where it lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cargo {
    /// The folder with Cargo.toml.
    pub(super) folder: PathBuf,
    target: PathBuf,
    triple: Option<String>,
    profile: String,
    is_example: bool,
    name: String,
}

impl Cargo {
    /// Reads `target/<profile>/<name>`, `target/<triple>/<profile>/<name>`, or the same with `examples/<name>`.
    ///
    /// # Errors
    /// The executable does not lie so, or there is no Cargo.toml beside the target folder.
    pub(super) fn of(executable: &Path) -> Result<Self> {
        let advice = || {
            format!(
                "`--watch` builds with cargo, but {} is not where cargo builds: start with `cargo run -- dev --watch` (an example with `cargo run --example <name> -- dev --watch`) in the folder of the sources",
                executable.display()
            )
        };
        let place = Self::place(executable).with_context(advice)?;
        anyhow::ensure!(
            place.folder.join("Cargo.toml").is_file(),
            "`--watch` builds in the folder with the target folder, but there is no Cargo.toml in {}: let `target` lie beside the sources",
            place.folder.display()
        );
        Ok(place)
    }

    fn place(executable: &Path) -> Option<Self> {
        let text = |part: Option<&OsStr>| part.and_then(OsStr::to_str).map(str::to_owned);
        let name = text(executable.file_name())?;
        let above = executable.parent()?;
        let is_example = above.file_name() == Some(OsStr::new("examples"));
        let profile = if is_example { above.parent()? } else { above };
        // Cargo marks every target folder, for those who make copies.
        let is_target = |folder: &&Path| folder.join("CACHEDIR.TAG").is_file();
        let target = profile.ancestors().skip(1).take(2).find(is_target)?;
        let triple = profile.parent().filter(|parent| *parent != target);
        Some(Self {
            folder: target.parent()?.to_owned(),
            target: target.to_owned(),
            triple: triple.and_then(|folder| text(folder.file_name())),
            profile: text(profile.file_name())?,
            is_example,
            name,
        })
    }

    /// What cargo is told.
    pub(super) fn arguments(&self) -> Vec<String> {
        let profile = if self.profile == "debug" { "dev" } else { &self.profile };
        let kind = if self.is_example { "--example" } else { "--bin" };
        let mut arguments: Vec<String> =
            ["build", "--color", "never", "--quiet", kind, &self.name, "--profile", profile]
                .map(str::to_owned)
                .into();
        if let Some(triple) = &self.triple {
            arguments.extend(["--target".to_owned(), triple.clone()]);
        }
        arguments.extend(["--target-dir".to_owned(), self.target.display().to_string()]);
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("target")).unwrap();
        std::fs::write(folder.path().join("target/CACHEDIR.TAG"), "").unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        folder
    }

    #[test]
    fn the_place_of_an_executable_tells_how_it_was_built() {
        let folder = package();
        for (place, told) in [
            ("debug/bot", "--bin bot --profile dev"),
            ("release/bot", "--bin bot --profile release"),
            ("debug/examples/order", "--example order --profile dev"),
            ("quick/bot", "--bin bot --profile quick"),
            (
                "x86_64-unknown-linux-musl/release/bot",
                "--bin bot --profile release --target x86_64-unknown-linux-musl",
            ),
        ] {
            let cargo = Cargo::of(&folder.path().join("target").join(place)).unwrap();
            let told = format!(
                "build --color never --quiet {told} --target-dir {}",
                folder.path().join("target").display()
            );
            assert_eq!(cargo.arguments().join(" "), told);
            assert_eq!(cargo.folder, folder.path());
        }
    }

    #[test]
    fn elsewhere_people_are_told_what_to_do() {
        let why = Cargo::of(Path::new("/usr/bin/bot")).unwrap_err().to_string();
        assert!(why.contains("/usr/bin/bot") && why.contains("cargo run -- dev --watch"), "{why}");
        let folder = package();
        std::fs::remove_file(folder.path().join("Cargo.toml")).unwrap();
        let why = Cargo::of(&folder.path().join("target/debug/bot")).unwrap_err().to_string();
        assert!(why.contains("no Cargo.toml"), "{why}");
    }
}
