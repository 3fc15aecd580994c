//! `promtool` on the generated rules and on their tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs;

fn run(arguments: &[&str], folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files: Vec<PathBuf> = alerts::generated(&root)
        .unwrap()
        .iter()
        .map(|(path, _)| root.join(path))
        .filter(|path| path.parent() == Some(&root.join(folder)))
        .collect();
    assert!(!files.is_empty());
    let output = Command::new(programs::find("PROMTOOL", "bin/promtool"))
        .args(arguments)
        .args(files)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn prometheus_accepts_every_rule() {
    run(
        &["check", "rules", "--lint-fatal"],
        Path::new("alerts/generated"),
    );
}

#[test]
fn every_alert_fires_when_it_must_and_only_then() {
    run(&["test", "rules"], Path::new("alerts/generated/tests"));
}
