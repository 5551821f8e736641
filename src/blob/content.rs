//! What content is, by its first bytes; nobody's word for it counts.

use crate::model::FileKind;

/// So many of the first bytes tell what content is.
pub const HEAD: usize = 64;

type Shows = fn(&[u8]) -> bool;

/// What is accepted: content type, ending, how it begins.
const PICTURES: [(&str, &str, Shows); 5] = [
    ("image/jpeg", "jpg", infer::image::is_jpeg),
    ("image/png", "png", infer::image::is_png),
    ("image/webp", "webp", infer::image::is_webp),
    ("image/gif", "gif", infer::image::is_gif),
    ("image/heif", "heic", infer::image::is_heif),
];
const VIDEOS: [(&str, &str, Shows); 3] = [
    ("video/mp4", "mp4", infer::video::is_mp4),
    ("video/quicktime", "mov", infer::video::is_mov),
    ("video/webm", "webm", infer::video::is_webm),
];
const SOUNDS: [(&str, &str, Shows); 4] = [
    ("audio/ogg", "ogg", infer::audio::is_ogg),
    ("audio/mpeg", "mp3", infer::audio::is_mp3),
    ("audio/mp4", "m4a", infer::audio::is_m4a),
    ("audio/wav", "wav", infer::audio::is_wav),
];
const PAPERS: [(&str, &str, Shows); 1] = [("application/pdf", "pdf", infer::archive::is_pdf)];
/// An animated sticker is a compressed drawing (<https://core.telegram.org/stickers#animation-requirements>).
const DRAWINGS: [(&str, &str, Shows); 1] = [("application/gzip", "tgs", infer::archive::is_gz)];

/// The content type, if it is one that a file of this kind may have.
#[must_use]
pub fn content_type(kind: FileKind, head: &[u8]) -> Option<&'static str> {
    let mut accepted = of(kind).iter().copied().flatten();
    accepted.find(|(_, _, shows)| shows(head)).map(|(mime, ..)| *mime)
}

/// What the name of a file of this content type ends with.
#[must_use]
pub fn ending(mime: &str) -> &'static str {
    let all: [&[(&str, &'static str, Shows)]; 5] = [&PICTURES, &VIDEOS, &SOUNDS, &PAPERS, &DRAWINGS];
    all.iter().copied().flatten().find(|(known, ..)| *known == mime).map_or("bin", |(_, ending, _)| *ending)
}

fn of(kind: FileKind) -> &'static [&'static [(&'static str, &'static str, Shows)]] {
    match kind {
        FileKind::Photo => &[&PICTURES],
        FileKind::Video => &[&VIDEOS, &PICTURES],
        FileKind::Voice | FileKind::Audio => &[&SOUNDS, &VIDEOS],
        FileKind::Sticker => &[&PICTURES, &VIDEOS, &DRAWINGS],
        FileKind::Document => &[&PAPERS, &PICTURES, &VIDEOS, &SOUNDS],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_what_it_begins_with() {
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F'];
        let mp4 = *b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2";
        for (kind, head, expected) in [
            (FileKind::Photo, &jpeg[..], Some("image/jpeg")),
            (FileKind::Document, &jpeg, Some("image/jpeg")),
            (FileKind::Voice, &jpeg, None),
            (FileKind::Photo, b"%PDF-1.7", None),
            (FileKind::Document, b"%PDF-1.7", Some("application/pdf")),
            (FileKind::Voice, b"OggS\0\x02", Some("audio/ogg")),
            (FileKind::Video, &mp4, Some("video/mp4")),
            (FileKind::Sticker, b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (FileKind::Sticker, &[0x1f, 0x8b, 8], Some("application/gzip")),
            (FileKind::Document, &[0x1f, 0x8b, 8], None),
            (FileKind::Document, b"MZ\x90\0", None),
            (FileKind::Document, b"<html><script>", None),
            (FileKind::Document, b"#!/bin/sh", None),
            (FileKind::Photo, b"", None),
        ] {
            assert_eq!(content_type(kind, head), expected, "{kind:?} {head:?}");
        }
        assert_eq!((ending("image/jpeg"), ending("text/html")), ("jpg", "bin"));
    }
}
