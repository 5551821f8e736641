//! Are the doors closed to those who have no key?

use reqwest::Method;

use super::site::Site;
use crate::command::doctor::Finding;

/// What strangers may be told where a door is closed, or where there is none.
const CLOSED: [u16; 3] = [401, 403, 404];
const SECRET: &str = "x-telegram-bot-api-secret-token";

/// Does the webhook refuse whoever can't prove to be Telegram?
pub(super) async fn webhook(site: &Site, bot: &str) -> Finding {
    let what = format!("webhook {bot}");
    let path = format!("telegram/{bot}");
    // An update that could do no harm were it taken.
    let update = r#"{"update_id":0}"#;
    for (headers, who) in [
        (&[][..], "without a secret"),
        (&[(SECRET, "")], "with an empty secret"),
        (&[(SECRET, "not-the-secret")], "with a wrong secret"),
    ] {
        match site.ask(Method::POST, &path, headers, update.to_owned()).await {
            Ok(answer) if answer.status == 401 => {}
            Ok(answer) => {
                let found = format!("a request {who} is answered with {}", answer.status);
                return Finding::wrong(
                    what,
                    found,
                    "stop the bot: strangers may speak to it as if they were Telegram",
                );
            }
            Err(why) => return Finding::wrong(what, why, "see whether the app is being restarted"),
        }
    }
    Finding::fine(what, "refuses a missing, an empty and a wrong secret")
}

/// Is the operators' API closed to strangers? An app that has none is closed, too.
pub(super) async fn operators(site: &Site) -> Finding {
    let mend = "give its function the authLevel `function`, and change the keys that were seen";
    let knocks =
        [(Method::GET, "api/dead-letters"), (Method::GET, "api/conversations"), (Method::POST, "api/areas")];
    closed(site, "operator API", &knocks, mend).await
}

/// Are the host's own endpoints closed?
/// <https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http>
pub(super) async fn admin(site: &Site) -> Finding {
    let mend = "on Azure this cannot be; at home, start `dev --auth`";
    let knocks = [
        (Method::GET, "admin/host/status"),
        (Method::GET, "admin/functions"),
        (Method::GET, "admin/host/keys"),
        (Method::POST, "admin/functions/sweep"),
    ];
    closed(site, "admin endpoints", &knocks, mend).await
}

async fn closed(site: &Site, what: &str, knocks: &[(Method, &str)], mend: &str) -> Finding {
    let mut statuses = Vec::new();
    for (method, path) in knocks {
        match site.ask(method.clone(), path, &[], "{}".to_owned()).await {
            Ok(answer) if CLOSED.contains(&answer.status) => statuses.push(answer.status.to_string()),
            Ok(answer) => {
                return Finding::wrong(
                    what,
                    format!("{method} /{path} is answered with {}", answer.status),
                    mend,
                );
            }
            Err(why) => return Finding::wrong(what, why, "see whether the app is being restarted"),
        }
    }
    statuses.sort_unstable();
    statuses.dedup();
    Finding::fine(what, format!("closed to strangers ({})", statuses.join(", ")))
}
