//! What must never be in a package: values of this app's own settings, and whatever looks like a key.

use crate::{config::Environment, telegram::client::Token};

/// Shorter ones are words that stand anywhere.
const SHORTEST: usize = 12;
/// What a storage or database account's key stands behind, and the least letters that make one.
const KEY: (&[u8], usize) = (b"AccountKey=", 40);
/// How the emulator's key begins, which is everybody's and stands in every program:
/// <https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key>.
const PUBLIC: &[u8] = b"Eby8vdM02xNOcqFl";
const PEM: &[u8] = b" PRIVATE KEY-----\n";

/// The names and values of this app's secrets, where they are set.
pub(super) fn known(settings: &Environment) -> Vec<(String, String)> {
    let is_secret = |name: &str, value: &str| {
        let is_bots = name.starts_with("BOTS__") && (name.ends_with("__token") || name.ends_with("__secret"));
        is_bots || value.contains("AccountKey=") || value.contains("SharedAccess")
    };
    let secrets = settings.iter().filter(|(name, value)| value.len() >= SHORTEST && is_secret(name, value));
    secrets.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What of a secret is in these bytes, without repeating it.
pub(super) fn found(bytes: &[u8], known: &[(String, String)]) -> Option<String> {
    let of_settings = known.iter().find(|(_, value)| places(bytes, value.as_bytes()).next().is_some());
    of_settings.map(|(name, _)| format!("the value of `{name}`")).or_else(|| shaped(bytes).map(str::to_owned))
}

fn shaped(bytes: &[u8]) -> Option<&'static str> {
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':');
    let words = bytes.split(|byte| !is_of_token(byte)).filter(|word| (42..=50).contains(&word.len()));
    let mut tokens = words.filter_map(|word| str::from_utf8(word).ok()?.parse::<Token>().ok());
    if tokens.any(|token| token.looks_real() && token.bot_id().len() >= 6) {
        return Some("what looks like a bot's token");
    }
    let key = |place: usize| {
        let rest = &bytes[place + KEY.0.len()..];
        let is_of_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        rest.split(|byte| !is_of_key(byte)).next().unwrap_or_default()
    };
    if places(bytes, KEY.0).map(key).any(|key| key.len() >= KEY.1 && !key.starts_with(PUBLIC)) {
        return Some("what looks like an account's key");
    }
    // Programs know the line that begins a key; a key goes on after it.
    let follows = |place: usize| bytes[place + PEM.len()..].iter().take(40).all(u8::is_ascii_alphanumeric);
    places(bytes, PEM)
        .any(|place| bytes.len() > place + PEM.len() + 40 && follows(place))
        .then_some("a private key")
}

/// Where `wanted` begins.
fn places<'a>(bytes: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = wanted.first().copied();
    let starts =
        bytes.iter().enumerate().filter(move |(_, byte)| Some(**byte) == first).map(|(place, _)| place);
    starts.filter(move |place| bytes[*place..].starts_with(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_among_other_bytes_and_what_only_looks_alike_is_not() {
        let token = format!("x\u{0}{}:{}\u{0}", "1234567890", "AAbb-_99".repeat(5).get(..35).unwrap());
        let key = format!("…AccountKey={}==;", "Abc9+/".repeat(14));
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}", "MIIEvQIBADANBg".repeat(4));
        for (text, told) in [(token, "token"), (key, "account's key"), (pem, "private key")] {
            assert!(found(text.as_bytes(), &[]).unwrap().contains(told), "{text}");
        }
        for harmless in ["12:30:59", "AccountKey=", "-----BEGIN PRIVATE KEY-----\n", "1:dev"] {
            assert_eq!(found(harmless.as_bytes(), &[]), None, "{harmless}");
        }
    }

    #[test]
    fn the_values_of_this_app_s_settings_are_secrets_whatever_they_look_like() {
        let settings: Environment = [
            ("BOTS__ops__secret", "abracadabra sesame"),
            ("BOTS__ops__operators", "123456789012345"),
            ("BOTS__ops__token", "1:dev"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let known = known(&settings);
        assert_eq!(known.len(), 1);
        assert_eq!(found(b"..abracadabra sesame..", &known).unwrap(), "the value of `BOTS__ops__secret`");
        assert_eq!(found(b"..123456789012345..", &known), None);
    }
}
