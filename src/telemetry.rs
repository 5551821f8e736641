//! Logs: lines on standard output, for on standard error every line would be an error to the host.

use std::io::IsTerminal;

use tracing_subscriber::{
    filter::Targets, fmt::layer, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

use crate::config::Environment;

/// What is logged where nobody says. The SDK tells each attempt that failed; whoever made the call tells its end.
const USUAL: &str = "info,hyper=warn,reqwest=warn,typespec_client_core=warn";

/// Starts logging. `RUST_LOG` says how much (`info` without it), `NO_COLOR` and pipes get no colours.
pub fn start(environment: &Environment) {
    let colours = std::io::stdout().is_terminal() && !environment.contains_key("NO_COLOR");
    let lines = layer().with_ansi(colours).with_target(false);
    // A second start, in a test, changes nothing.
    let _ = registry().with(filter(environment)).with(lines).try_init();
}

/// Starts logging for a program that reads: each line is a JSON object with `timestamp`, `level`, `message` and what else
/// there is to say.
pub fn start_json(environment: &Environment) {
    let lines = layer().json().flatten_event(true).with_target(false);
    let _ = registry().with(filter(environment)).with(lines).try_init();
}

/// What is logged of whom: `info,hyper=warn`. What can't be read is as if nobody had said anything.
fn filter(environment: &Environment) -> Targets {
    let wanted = environment.get("RUST_LOG").map_or(USUAL, String::as_str);
    let read = |directives: &str| directives.parse::<Targets>().ok();
    read(wanted).or_else(|| read(USUAL)).unwrap_or_default()
}
