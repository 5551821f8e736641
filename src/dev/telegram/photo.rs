//! The sizes of a photo. Telegram scales photos down; the fake only says so, and all sizes are the same file.

use super::wire::PhotoSize;

/// The longest sides of Telegram's sizes `s`, `m`, `x` and `y`
/// (<https://core.telegram.org/api/files#image-thumbnail-types>).
const SIZES: [(char, usize); 4] = [('s', 100), ('m', 320), ('x', 800), ('y', 1280)];

/// The sizes of the photo in the file of this id, the smallest first. A file that is no image counts as 800 × 600.
pub(super) fn sizes(file: &str, bytes: &[u8]) -> Vec<PhotoSize> {
    let (width, height) =
        imagesize::blob_size(bytes).map_or((800, 600), |size| (size.width.max(1), size.height.max(1)));
    let longest = width.max(height);
    let smaller = SIZES.iter().take_while(|(_, side)| *side < longest);
    let scaled = |(letter, side): (char, usize)| PhotoSize {
        file_id: format!("{file}-{letter}"),
        file_unique_id: format!("{file}{letter}"),
        file_size: bytes.len() * side * side / (longest * longest),
        width: (width * side / longest).max(1),
        height: (height * side / longest).max(1),
    };
    let mut sizes: Vec<_> = smaller.copied().map(scaled).collect();
    if longest <= 1280 {
        sizes.push(scaled(('w', longest)));
    }
    sizes
}

/// The file that a photo size, or another file id, is in.
pub(super) fn file_of(file_id: &str) -> &str {
    file_id.split_once('-').map_or(file_id, |(file, _)| file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_comes_in_the_sizes_it_is_larger_than() {
        let png = |width: u32, height: u32| {
            let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
            bytes.extend(width.to_be_bytes());
            bytes.extend(height.to_be_bytes());
            bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
            bytes
        };
        let widths =
            |bytes: &[u8]| sizes("f", bytes).iter().map(|size| (size.width, size.height)).collect::<Vec<_>>();
        assert_eq!(widths(&png(400, 200)), [(100, 50), (320, 160), (400, 200)]);
        assert_eq!(widths(&png(4000, 1000)), [(100, 25), (320, 80), (800, 200), (1280, 320)]);
        assert_eq!(widths(b"no image"), [(100, 75), (320, 240), (800, 600)]);
        assert_eq!(file_of(&sizes("f", b"")[0].file_id), "f");
    }
}
