//! `serve`: the handler, as the Functions host starts it.

use std::process::ExitCode;

use crate::{
    config::{self, Config},
    engine::Table,
    serve, telemetry,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} serve --port 8080
  FUNCTIONS_CUSTOMHANDLER_PORT=8080 {program}     as the host starts it";

/// What `serve` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The port to listen on, on loopback
    #[arg(long, env = PORT)]
    port: u16,
}

/// What the host calls the port:
/// <https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers#overview>.
const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// Serves until it is killed, or until the host is gone.
pub(super) async fn serve(table: Table, options: Options) -> anyhow::Result<ExitCode> {
    let environment = config::environment(".".as_ref())?;
    telemetry::start(&environment);
    serve::serve(table, Config::read(&environment)?, options.port).await
}

/// What happens without a word on the command line: the host gives none.
pub(super) async fn serve_if_hosted(table: Table, program: &str) -> anyhow::Result<ExitCode> {
    let environment = config::environment(".".as_ref())?;
    let Some(port) = environment.get(PORT) else {
        anyhow::bail!(
            "nothing to do. Start everything with `{program} dev`; `{program} --help` tells the rest"
        );
    };
    let port = port
        .parse()
        .map_err(|_| anyhow::anyhow!("`{PORT}` is `{port}`: set it to a port, such as 8080, or unset it"))?;
    serve(table, Options { port }).await
}
