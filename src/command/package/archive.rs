//! A zip as bytes: the same files always give the same ones.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read, Write},
};

use anyhow::{Context, ensure};
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// What may be run.
pub(super) const PROGRAM: u32 = 0o755;
/// What is only read.
const TEXT: u32 = 0o644;

/// The best that deflate can do. Zopfli makes a program of 21 MB smaller by a sixtieth, and takes fifty times as long.
const LEVEL: i64 = 9;

/// A zip may claim to hold more than any machine has; no file in a package is larger.
const LARGEST: u64 = 256 * 1024 * 1024;

/// A file in a zip.
pub(super) struct File {
    pub(super) path: String,
    /// None: the zip was made where files have no modes.
    pub(super) mode: Option<u32>,
    pub(super) bytes: Vec<u8>,
}

impl File {
    pub(super) fn text(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), mode: Some(TEXT), bytes: text.into() }
    }

    pub(super) fn program(path: &str, bytes: Vec<u8>) -> Self {
        Self { path: path.to_owned(), mode: Some(PROGRAM), bytes }
    }
}

/// Packs the files, by path, without the time: the zip depends on nothing but them. What the build is called is its
/// comment, as git has it in its archives.
pub(super) fn write(files: Vec<File>, version: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.set_comment(version.unwrap_or_default())?;
    let sorted: BTreeMap<String, File> = files.into_iter().map(|file| (file.path.clone(), file)).collect();
    for (path, file) in sorted {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            .last_modified_time(DateTime::DEFAULT)
            // Elsewhere the mode would be ignored.
            .system(System::Unix)
            .unix_permissions(file.mode.unwrap_or(TEXT));
        zip.start_file(path, options)?;
        zip.write_all(&file.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// What the build in this zip is called, if it tells.
pub(in crate::command) fn version(zip: &[u8]) -> anyhow::Result<Option<String>> {
    let zip = ZipArchive::new(Cursor::new(zip)).context("it is no zip")?;
    let comment = String::from_utf8_lossy(zip.comment()).into_owned();
    Ok(Some(comment).filter(|comment| !comment.is_empty()))
}

/// The files of a zip, in its order; folders are left out.
///
/// # Errors
/// It is no zip, or is damaged.
pub(super) fn read(zip: &[u8]) -> anyhow::Result<Vec<File>> {
    let mut zip = ZipArchive::new(Cursor::new(zip)).context("it is no zip")?;
    let mut files = Vec::new();
    for n in 0..zip.len() {
        let mut entry = zip.by_index(n)?;
        if entry.is_dir() {
            continue;
        }
        let path = entry.name()?.into_owned();
        let mut bytes = Vec::new();
        (&mut entry)
            .take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("`{path}` is damaged"))?;
        ensure!(bytes.len() as u64 <= LARGEST, "`{path}` is larger than {LARGEST} bytes");
        files.push(File { path, mode: entry.unix_mode(), bytes });
    }
    Ok(files)
}
