//! Logs: lines on standard output, for on standard error every line would be an error to the host.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::Environment;

/// Starts logging. `RUST_LOG` says how much (`info` without it), `NO_COLOR` and pipes get no colours.
pub fn start(environment: &Environment) {
    let wanted = environment.get("RUST_LOG").map_or("info,hyper=warn,reqwest=warn", String::as_str);
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stdout().is_terminal() && !environment.contains_key("NO_COLOR");
    // A second start, in a test, changes nothing.
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_target(false).try_init();
}
