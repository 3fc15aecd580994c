//! Writes the dashboards as JSON, or says whether the files are current.

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    alerts::generated::command_line(|_| dashboards::generated())
}
