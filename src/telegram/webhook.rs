//! Which addresses Telegram brings updates to, and which updates we ask it for.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::Url;

/// The kinds of update that [`normalize`](super::normalize) makes something of: what `allowed_updates` of
/// <https://core.telegram.org/bots/api#setwebhook> says. Telegram's default would bring twenty kinds that we only store.
pub const HANDLED: [&str; 6] =
    ["message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "my_chat_member"];

/// The ports that Telegram calls (<https://core.telegram.org/bots/api#setwebhook>, note 3).
pub const PORTS: [u16; 4] = [80, 88, 443, 8443];

/// Why Telegram would refuse an address, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not a URL with a host.
    #[error("invalid webhook URL specified")]
    NoUrl,
    /// Only HTTPS: <https://core.telegram.org/bots/webhooks>.
    #[error("An HTTPS URL must be provided for webhook")]
    NotHttps,
    /// Another port than [`PORTS`].
    #[error("Webhook can be set up only on ports 80, 88, 443 or 8443")]
    Port,
    /// An address of this machine or network, or one that nobody has: nothing there can be reached from Telegram's side.
    #[error("IP address {0} is reserved")]
    Reserved(IpAddr),
    /// Telegram calls IPv4 alone (<https://core.telegram.org/bots/webhooks>).
    #[error("IP address {0} is not an IPv4 address")]
    NotIpv4(IpAddr),
}

/// Would Telegram's own server take this address? Where its name leads is not asked: see [`is_reachable`].
///
/// # Errors
/// What is wrong with it.
pub fn check(url: &str) -> Result<(), Unfit> {
    let url = Url::parse(url).map_err(|_| Unfit::NoUrl)?;
    if url.scheme() != "https" {
        return Err(Unfit::NotHttps);
    }
    let host = url.host_str().ok_or(Unfit::NoUrl)?;
    if !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
        return Err(Unfit::Port);
    }
    if host.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
        return Err(Unfit::Reserved(Ipv4Addr::LOCALHOST.into()));
    }
    match host.trim_matches(['[', ']']).parse() {
        Ok(address) => is_reachable(address),
        Err(_) => Ok(()),
    }
}

/// Can Telegram call this address?
///
/// # Errors
/// Why not.
pub fn is_reachable(address: IpAddr) -> Result<(), Unfit> {
    match address {
        IpAddr::V6(_) => Err(Unfit::NotIpv4(address)),
        IpAddr::V4(v4) if is_reserved(v4) => Err(Unfit::Reserved(address)),
        IpAddr::V4(_) => Ok(()),
    }
}

/// Is it one of <https://www.iana.org/assignments/iana-ipv4-special-registry>, or for many at once?
fn is_reserved(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telegram_takes_public_https_addresses_on_four_ports() {
        for url in [
            "https://backline.azurewebsites.net/telegram/operations",
            "https://example.org:88/",
            "https://example.org:8443/x?y=z",
            "https://20.50.2.10/telegram/operations",
            "https://172.32.0.1/",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        let reserved = |address: &str| Unfit::Reserved(address.parse().unwrap());
        for (url, why) in [
            ("", Unfit::NoUrl),
            ("example.org/telegram", Unfit::NoUrl),
            ("http://example.org/", Unfit::NotHttps),
            ("https://example.org:7071/", Unfit::Port),
            ("https://localhost/", reserved("127.0.0.1")),
            ("https://LOCALHOST.:8443/", reserved("127.0.0.1")),
            ("https://127.0.0.1:8443/", reserved("127.0.0.1")),
            ("https://0x7f.1/", reserved("127.0.0.1")),
            ("https://10.0.0.4/", reserved("10.0.0.4")),
            ("https://172.16.3.4/", reserved("172.16.3.4")),
            ("https://192.168.1.1/", reserved("192.168.1.1")),
            ("https://169.254.169.254/", reserved("169.254.169.254")),
            ("https://100.64.0.1/", reserved("100.64.0.1")),
            ("https://[::1]/", Unfit::NotIpv4("::1".parse().unwrap())),
            ("https://[2a01:111::1]/", Unfit::NotIpv4("2a01:111::1".parse().unwrap())),
        ] {
            assert_eq!(check(url), Err(why), "{url}");
        }
    }
}
