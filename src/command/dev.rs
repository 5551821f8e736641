//! `dev`: everything on this machine.

use std::process::ExitCode;

pub(super) use crate::dev::Options;
use crate::{config, dev, serve::wait, telemetry};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} dev                          run the app, and chat with it at http://127.0.0.1:7072
  {program} dev --watch                  build and exchange it whenever its source changes
  {program} dev --root dist              run the flat app that `{program} app dist` wrote
  {program} dev --data /tmp/fresh        begin with an empty memory
  {program} dev --json                   each line of output is a JSON object

End it with Ctrl-C; started again, every conversation goes on where it was.";

/// Runs the host and the fake Telegram until they are told to end.
pub(super) fn dev(options: Options) -> anyhow::Result<ExitCode> {
    let environment = config::environment(&options.root)?;
    if options.json {
        telemetry::start_json(&environment);
    } else {
        telemetry::start(&environment);
    }
    // Before there are other threads: they, and the handler, inherit it.
    dev::take_turns();
    wait(dev::run(options))
}
