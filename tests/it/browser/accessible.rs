//! The page is for everybody: axe (<https://github.com/dequelabs/axe-core>) finds nothing against it, in either colour
//! scheme, on wide screens and narrow ones; and a conversation goes by keyboard alone.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};

use super::{Browser, ENTER, in_a_browser};
use crate::dev::{ADA, BO, Start};

/// The version that is installed.
const VERSION: &str = "4.14.1";
const TAB: &str = "\u{E004}";

/// The script, installed once. Where there is no npm, says so once in a line that everybody sees, and gives none; on a
/// build server that is a failure.
fn axe() -> Option<&'static str> {
    static AXE: OnceLock<Option<String>> = OnceLock::new();
    let script = AXE.get_or_init(|| match install() {
        Ok(script) => Some(script),
        Err(why) => {
            assert!(std::env::var_os("CI").is_none(), "{why}");
            // Not `eprintln!`, which is shown for tests that fail alone.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {why}; the page's accessibility was not tested");
            None
        }
    });
    script.as_deref()
}

fn install() -> Result<String, String> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let wanted = cache.join(format!("axe-core-{VERSION}"));
    let script = wanted.join("node_modules/axe-core/axe.min.js");
    if !script.is_file() {
        let _ = writeln!(std::io::stderr(), "installing axe-core@{VERSION} with npm, once");
        // Elsewhere first: what is half there, or somebody else installs at the same time, does no harm.
        let fresh = tempfile::tempdir_in(cache).map_err(|error| error.to_string())?;
        let installed = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
            .arg(fresh.path())
            .arg(format!("axe-core@{VERSION}"))
            .stdin(Stdio::null())
            .output()
            .map_err(|_| "no npm on the PATH".to_owned())?;
        if !installed.status.success() {
            let why =
                String::from_utf8_lossy(&installed.stderr).lines().next().unwrap_or_default().to_owned();
            return Err(format!("npm can't install axe-core@{VERSION} ({why})"));
        }
        let _ = fs::rename(fresh.path(), &wanted);
    }
    fs::read_to_string(script).map_err(|error| error.to_string())
}

/// Fails with whatever axe finds against what is shown now, on screens of both widths and in both colour schemes.
async fn is_fit(browser: &Browser, axe: &str, what: &str) {
    let script = format!(
        "const done = arguments[0];
         {axe};
         axe.run(document, {{ iframes: false }}).then(({{ violations }}) => done(violations.flatMap(({{ id, nodes }}) =>
             nodes.map((node) => `${{id}}: ${{node.target.join(' ')}}: ${{node.failureSummary}}`))));"
    );
    for (width, height) in [(1280, 860), (390, 800)] {
        browser.resize(width, height).await;
        for scheme in ["light", "dark"] {
            browser.colours(scheme).await;
            let against = browser.ask("/execute/async", json!({ "script": script, "args": [] })).await;
            assert_eq!(against, json!([]), "{what}, {width} wide, {scheme}");
        }
    }
}

#[tokio::test]
async fn axe_finds_nothing_against_the_page() {
    let Some(axe) = axe() else { return };
    in_a_browser(async |browser| {
        let data = tempfile::tempdir().unwrap();
        let dev = Start::own(data.path()).start().await;
        let spot = |more: Value| {
            let mut spot = json!({ "person": ADA, "bot": "operations" });
            spot.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            spot
        };
        browser.resize(1280, 860).await;
        browser.open(&dev.telegram).await;
        is_fit(browser, axe, "before the first word").await;
        dev.say(BO, "/start").await;
        dev.say(ADA, "/start").await;
        dev.act("location", spot(json!({ "latitude": 52.4739, "longitude": 13.4066, "live_period": 900 })))
            .await;
        dev.act("contact", spot(json!({ "phone_number": "+15550101" }))).await;
        dev.say(ADA, "/report").await;
        browser.until("document.querySelectorAll('.keyboard .key').length > 2").await;
        is_fit(browser, axe, "a chat").await;
        browser.eval("document.querySelector('#back').click()").await;
        is_fit(browser, axe, "the list of chats").await;
        browser.eval("document.querySelector('.chat-row').click()").await;
        browser.resize(1280, 860).await;
        for sheet in ["person", "group", "location", "contact", "files"] {
            browser.eval(&format!("document.querySelector('#{sheet}-sheet').showModal()")).await;
            is_fit(browser, axe, sheet).await;
            browser.eval(&format!("document.querySelector('#{sheet}-sheet').close()")).await;
        }
        browser.resize(1280, 860).await;
        browser.click("#show-behind").await;
        browser.until("document.querySelectorAll('.step').length > 1").await;
        is_fit(browser, axe, "behind the scenes").await;
        browser.resize(1280, 860).await;
        browser.click("#tab-replay").await;
        is_fit(browser, axe, "a transcript").await;
        browser.resize(1280, 860).await;
        browser.click("#tab-host").await;
        browser.until("document.querySelector('.call summary') !== null").await;
        is_fit(browser, axe, "the host").await;
        browser.resize(1280, 860).await;
        browser.click("#hide-behind").await;

        let people = json!({ "title": "Night shift", "people": [ADA, BO], "bots": ["operations"] });
        let group = dev.act("groups", people).await["id"].as_i64().unwrap();
        dev.act("topics", json!({ "group": group, "name": "Lost and found" })).await;
        let row = format!("document.querySelector('[data-room=\":{group}\"]')");
        browser.until(&row).await;
        browser.eval(&format!("{row}.click()")).await;
        browser.until("document.querySelectorAll('#topics button').length === 2").await;
        is_fit(browser, axe, "a group with topics").await;
        browser.resize(1280, 860).await;
        browser.eval("document.querySelector('.chat-row').click()").await;

        browser.click("#side-by-side").await;
        browser.until("document.querySelectorAll('.phone').length === 3").await;
        is_fit(browser, axe, "phones side by side").await;
        browser.enter(Some(&format!(".phone[data-person='{ADA}'] iframe"))).await;
        browser.until("document.querySelectorAll('.keyboard .key').length > 2").await;
        is_fit(browser, axe, "a phone").await;
    })
    .await;
}

/// Goes on with Tab until the focus is on what this selector finds.
async fn tab_to(browser: &Browser, selector: &str) {
    for _ in 0..60 {
        browser.press(TAB).await;
        if browser.eval(&format!("document.activeElement.matches({})", json!(selector))).await == true {
            return;
        }
    }
    panic!("Tab does not reach {selector}");
}

#[tokio::test]
async fn a_conversation_goes_by_keyboard_alone() {
    in_a_browser(async |browser| {
        let data = tempfile::tempdir().unwrap();
        let dev = Start::own(data.path()).start().await;
        browser.open(&dev.telegram).await;
        browser.eval("document.activeElement.blur()").await;
        tab_to(browser, "#start").await;
        browser.press(ENTER).await;
        browser.until("document.querySelector('#messages').textContent.includes('Hello, Ada!')").await;
        tab_to(browser, "#text").await;
        browser.press("/report").await;
        browser.press(ENTER).await;
        browser.until("document.querySelectorAll('.keyboard .key').length > 2").await;
        tab_to(browser, "#messages").await;
        tab_to(browser, ".key").await;
        browser.press(ENTER).await;
        browser.until("document.querySelector('#messages').textContent.includes('Where is it?')").await;
        assert_eq!(
            browser.eval("document.querySelector('#messages').contains(document.activeElement)").await,
            true
        );
        tab_to(browser, ".message:last-of-type .key").await;
    })
    .await;
}
