//! Prometheus's own tool on the generated rules and on their tests.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The tool of the version that the stack runs: named by a variable, else found where `make` keeps it.
fn promtool() -> PathBuf {
    let cache = std::env::var_os("BIDTRACE_CACHE")
        .map(PathBuf::from)
        .or_else(|| {
            let base = std::env::var_os("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
            Some(base.join("bidtrace"))
        });
    let named = std::env::var_os("PROMTOOL").map(PathBuf::from);
    named
        .into_iter()
        .chain(cache.map(|cache| cache.join("bin/promtool")))
        .find(|path| path.is_file())
        .expect("promtool is not there: run `make test`, or set PROMTOOL to it")
}

fn run(arguments: &[&str], folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files: Vec<PathBuf> = alerts::generated(&root)
        .unwrap()
        .files
        .into_keys()
        .map(|path| root.join(path))
        .filter(|path| path.parent() == Some(&root.join(folder)))
        .collect();
    assert!(!files.is_empty());
    let output = Command::new(promtool())
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
