//! `serve`: the handler, as the Functions host starts it.

use std::process::ExitCode;

use crate::{engine::Table, serve};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} serve --port 8080
  FUNCTIONS_CUSTOMHANDLER_PORT=8080 {program}     as the host starts it";

/// What `serve` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The port to listen on, on loopback
    #[arg(long, env = serve::PORT)]
    port: u16,
}

/// Serves until it is killed, or until the host is gone.
pub(super) async fn serve(table: Table, options: Options) -> anyhow::Result<ExitCode> {
    serve::listen(table, options.port).await
}

/// What happens without a word on the command line: the host gives none.
pub(super) async fn serve_if_hosted(table: Table, program: &str) -> anyhow::Result<ExitCode> {
    let hint = format!("Start everything with `{program} dev`; `{program} --help` tells the rest");
    serve::hosted(table, &hint).await
}
