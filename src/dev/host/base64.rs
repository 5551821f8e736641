//! Base64 as .NET's `Convert.FromBase64String` takes it: blanks anywhere, padding required.

use base64::{
    Engine, alphabet,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD},
};

/// .NET does not look at the bits that are left over before the padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The bytes a text stands for, if it could be base64: `"test"` could.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    if text.contains(is_blank) {
        LENIENT.decode(text.replace(is_blank, "")).ok()
    } else {
        LENIENT.decode(text).ok()
    }
}

/// Bytes in base64.
pub(super) fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_could_be_base64_is() {
        for text in ["true", "Hello you", "12345678", "", "dGVz\ndA==", "dGVzdB=="] {
            assert!(decoded(text).is_some(), "{text}");
        }
        for text in ["plain", "a b", "{\"a\":1}", "dGVzdA=", "dGVzdA"] {
            assert!(decoded(text).is_none(), "{text}");
        }
    }
}
