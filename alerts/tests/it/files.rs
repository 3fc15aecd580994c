//! The generated files of the repository, and the commands that write and check them.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn alerts(root: &Path, command: &str) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_alerts"))
        .args([command, "--root"])
        .arg(root)
        .output()
        .unwrap()
}

/// A repository that contains only the objectives.
fn empty() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("alerts")).unwrap();
    std::fs::copy(
        root().join("alerts/slo.yaml"),
        folder.path().join("alerts/slo.yaml"),
    )
    .unwrap();
    folder
}

#[test]
fn the_generated_files_of_the_repository_are_current() {
    assert_eq!(
        alerts::generated(&root()).unwrap().stale(&root()).unwrap(),
        Vec::<String>::new(),
        "run `make generate`"
    );
}

#[test]
fn the_first_line_of_each_says_what_generated_it_and_how() {
    for (path, content) in alerts::generated(&root()).unwrap().files {
        let first = content.lines().next().unwrap();
        assert!(
            first.contains("`cargo run --release -p alerts -- generate`"),
            "{path}: {first}"
        );
    }
}

#[test]
fn a_changed_a_missing_and_a_stray_file_are_stale_until_they_are_generated_anew() {
    let folder = empty();
    let at = |path: &str| folder.path().join(path);
    assert!(!alerts(folder.path(), "check").status.success());
    assert!(alerts(folder.path(), "generate").status.success());
    assert!(alerts(folder.path(), "check").status.success());

    std::fs::write(at("alerts/generated/targets.yml"), "groups: []\n").unwrap();
    std::fs::remove_file(at("alerts/runbooks/ServiceDown.md")).unwrap();
    std::fs::write(at("alerts/runbooks/Forgotten.md"), "").unwrap();
    let output = alerts(folder.path(), "check");
    assert!(!output.status.success());
    let complaints = String::from_utf8(output.stderr).unwrap();
    for path in [
        "alerts/generated/targets.yml",
        "alerts/runbooks/ServiceDown.md",
        "alerts/runbooks/Forgotten.md",
    ] {
        assert!(complaints.contains(path), "{path} is not in:\n{complaints}");
    }
    assert!(complaints.contains("make generate"), "{complaints}");

    assert!(alerts(folder.path(), "generate").status.success());
    assert!(!at("alerts/runbooks/Forgotten.md").exists());
    assert!(alerts(folder.path(), "check").status.success());
}

#[test]
fn away_from_the_repository_the_command_says_where_to_run_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = alerts(folder.path(), "generate");
    assert!(!output.status.success());
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("--root"), "{complaint}");
}
