//! Fault points: places in the code at which a test can kill the process with SIGKILL.
//!
//! A file with the point's name in the folder `BIDTRACE_FAULTS` arms it. The process deletes the file before it kills
//! itself, so it dies at the point once and passes it after its restart.

use std::path::PathBuf;
use std::sync::OnceLock;

static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();

pub(crate) fn configure(folder: Option<PathBuf>) {
    // The first service of a process sets it. A process has more than one only in tests.
    let _ = FOLDER.set(folder);
}

/// Kills this process when `point` is armed. Does nothing when no folder is configured.
pub fn point(point: &str) {
    let Some(Some(folder)) = FOLDER.get() else {
        return;
    };
    if std::fs::remove_file(folder.join(point)).is_ok() {
        tracing::warn!(
            fault.point = point,
            "killing this process at an armed fault point"
        );
        kill_self();
    }
}

fn kill_self() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    // SIGKILL cannot be handled, so nothing after this line runs.
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort()
}
