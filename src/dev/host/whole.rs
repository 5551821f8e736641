//! Small files that are written whole or not at all: a torn one would be taken for none.

use std::{fs, io, path::Path};

use serde::Serialize;

/// Puts a value in the file's place, making the folder if it is missing.
///
/// # Errors
/// The file is as it was.
pub(super) fn write(file: &Path, value: &impl Serialize) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = file.with_extension("new");
    fs::write(&new, serde_json::to_string_pretty(value)?)?;
    fs::rename(&new, file)
}
