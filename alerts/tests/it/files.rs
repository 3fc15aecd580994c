//! The generated files: those of the repository, and what is found stale in another one.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
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
        Vec::<PathBuf>::new(),
        "run `make generate`"
    );
}

#[test]
fn the_first_line_of_each_says_what_generated_it_and_how() {
    for (path, content) in alerts::generated(&root()).unwrap().iter() {
        let first = content.lines().next().unwrap();
        assert!(
            first.contains("`make generate`"),
            "{}: {first}",
            path.display()
        );
    }
}

#[test]
fn a_changed_a_missing_and_a_stray_file_are_stale_until_they_are_generated_anew() {
    let folder = empty();
    let at = |path: &str| folder.path().join(path);
    let files = alerts::generated(folder.path()).unwrap();
    assert!(!files.stale(folder.path()).unwrap().is_empty());
    files.write(folder.path()).unwrap();
    assert_eq!(files.stale(folder.path()).unwrap(), Vec::<PathBuf>::new());

    std::fs::write(at("alerts/generated/targets.yml"), "groups: []\n").unwrap();
    std::fs::remove_file(at("alerts/runbooks/ServiceDown.md")).unwrap();
    std::fs::write(at("alerts/runbooks/Forgotten.md"), "").unwrap();
    let stale = [
        Path::new("alerts/generated/targets.yml"),
        Path::new("alerts/runbooks/Forgotten.md"),
        Path::new("alerts/runbooks/ServiceDown.md"),
    ];
    assert_eq!(files.stale(folder.path()).unwrap(), stale);

    files.write(folder.path()).unwrap();
    assert!(!at("alerts/runbooks/Forgotten.md").exists());
    assert_eq!(files.stale(folder.path()).unwrap(), Vec::<PathBuf>::new());
}
