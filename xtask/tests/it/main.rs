//! The program as people run it: in a repository with nothing but the sources of what is generated.

#![allow(clippy::unwrap_used)] // Also in what the tests share.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the generators read.
const SOURCES: [&str; 6] = [
    "Cargo.toml",
    "alerts/slo.yaml",
    "docs/configuration.md",
    "services/registry",
    "telemetry/registry",
    "telemetry/examples/kitchen/registry",
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn xtask(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .arg("--root")
        .arg(root)
        .env_remove("SEMCONV_MODEL")
        .output()
        .unwrap()
}

/// A repository of the sources, without any generated file.
fn sources() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for source in SOURCES {
        copy(&repository().join(source), &folder.path().join(source));
    }
    folder
}

/// Copies a file, or those that stand in a folder.
fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
        return;
    }
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            copy(&path, &to.join(path.file_name().unwrap()));
        }
    }
}

#[test]
fn a_changed_a_missing_and_a_stray_file_are_reported_until_they_are_generated_anew() {
    let folder = sources();
    let at = |path: &str| folder.path().join(path);
    let check = || xtask(folder.path(), &["check", "generated"]);
    let generate = || xtask(folder.path(), &["generate"]);
    assert!(!check().status.success());
    let generated = generate();
    assert!(generated.status.success(), "{generated:?}");
    assert!(check().status.success());

    std::fs::write(at("alerts/generated/targets.yml"), "groups: []\n").unwrap();
    std::fs::remove_file(at("alerts/runbooks/ServiceDown.md")).unwrap();
    std::fs::write(at("alerts/runbooks/Forgotten.md"), "").unwrap();
    std::fs::write(at("services/gateway/openapi.json"), "{}").unwrap();
    let output = check();
    assert!(!output.status.success());
    let complaints = String::from_utf8(output.stderr).unwrap();
    for path in [
        "alerts/generated/targets.yml",
        "alerts/runbooks/ServiceDown.md",
        "alerts/runbooks/Forgotten.md",
        "services/gateway/openapi.json",
    ] {
        assert!(complaints.contains(path), "{path} is not in:\n{complaints}");
    }
    assert!(complaints.contains("make generate"), "{complaints}");

    assert!(generate().status.success());
    assert!(!at("alerts/runbooks/Forgotten.md").exists());
    assert!(check().status.success());
}

#[test]
fn away_from_the_repository_the_command_says_where_to_run_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = xtask(folder.path(), &["generate"]);
    assert!(!output.status.success());
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("--root"), "{complaint}");
}

#[test]
fn a_check_without_the_program_that_it_needs_says_how_to_give_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["check", "alertmanager"])
        .current_dir(repository())
        .env_remove("AMTOOL")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("--amtool"), "{complaint}");
}

#[test]
fn every_member_of_the_workspace_is_in_the_context_of_the_image() {
    let output = xtask(&repository(), &["check", "image"]);
    assert!(output.status.success(), "{output:?}");
}
