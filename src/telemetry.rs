//! Logs: lines on standard output, for on standard error every line would be an error to the host.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::Environment;

/// What is logged where nobody says. The SDK tells each attempt that failed; whoever made the call tells its end.
const USUAL: &str = "info,hyper=warn,reqwest=warn,typespec_client_core=warn";

/// Starts logging. `RUST_LOG` says how much (`info` without it), `NO_COLOR` and pipes get no colours.
pub fn start(environment: &Environment) {
    let colours = std::io::stdout().is_terminal() && !environment.contains_key("NO_COLOR");
    // A second start, in a test, changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter(environment))
        .with_ansi(colours)
        .with_target(false)
        .try_init();
}

/// Starts logging for a program that reads: each line is a JSON object with `timestamp`, `level`, `message` and what else
/// there is to say.
pub fn start_json(environment: &Environment) {
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter(environment))
        .with_target(false)
        .try_init();
}

fn filter(environment: &Environment) -> EnvFilter {
    let wanted = environment.get("RUST_LOG").map_or(USUAL, String::as_str);
    EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new("info"))
}
