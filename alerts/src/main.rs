//! Writes the rules, their tests and the runbooks that follow from alerts/slo.yaml, or says whether they are current.

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    alerts::generated::command_line(alerts::generated)
}
