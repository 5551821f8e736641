//! `completions`: what a shell needs to complete this program's words.

use std::process::ExitCode;

use clap_complete::{Shell, generate};

use super::tell;

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} completions bash > ~/.local/share/bash-completion/completions/{program}
  {program} completions zsh > ~/.zfunc/_{program}        # a folder of your fpath
  {program} completions fish > ~/.config/fish/completions/{program}.fish";

/// What `completions` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The shell
    shell: Shell,
}

/// Prints the completions of this command line.
pub(super) fn print(
    options: &Options,
    mut command: clap::Command,
    program: &str,
) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    generate(options.shell, &mut command, program, &mut script);
    tell(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}
