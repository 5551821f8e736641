//! Plays the local Functions host alone: `host_only --root DIR --port N --data DIR [--auth]`.

use backline::dev::host::{self, Options};
use clap::Parser;

#[derive(Parser)]
struct Flags {
    #[arg(long)]
    root: std::path::PathBuf,
    #[arg(long, default_value_t = 7071)]
    port: u16,
    #[arg(long)]
    data: std::path::PathBuf,
    #[arg(long)]
    auth: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter("info").init();
    let flags = Flags::parse();
    let host = host::start(Options {
        port: flags.port,
        data: flags.data,
        auth: flags.auth,
        ..Options::new(flags.root)
    })
    .await?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        why = host.failed() => return Err(why),
    }
    host.stop().await;
    Ok(())
}
