//! Ignored tests that run in a process of their own, with an environment of their own.

use std::process::{Command, Output};

/// Runs the ignored test of this path (`module::name`) in a new process, where it must pass.
pub fn run(test: &str, environment: &[(&str, &str)]) -> Output {
    let output = command(test, environment).output().unwrap();
    assert!(
        output.status.success(),
        "{test}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "{test} is not there any more"
    );
    output
}

/// The command that does so.
pub fn command(test: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--ignored", "--nocapture"])
        .envs(environment.iter().copied());
    command
}
