//! Fault points: places where a test may make the process die as if by SIGKILL.
//!
//! A point is armed by a file of its name in the folder `BIDTRACE_FAULTS`. Whoever reaches an armed point removes the
//! file first, so the process dies there exactly once and gets past it after its restart.

use std::path::PathBuf;
use std::sync::OnceLock;

static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();

pub(crate) fn configure(folder: Option<PathBuf>) {
    // The first service of the process decides; a second one in the same process is a test's.
    let _ = FOLDER.set(folder);
}

/// Kills this process if `point` is armed. Costs nothing when no folder is configured.
pub fn point(point: &str) {
    let Some(Some(folder)) = FOLDER.get() else {
        return;
    };
    if std::fs::remove_file(folder.join(point)).is_ok() {
        tracing::warn!(fault.point = point, "fault point reached: dying");
        kill_self();
    }
}

fn kill_self() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    // Nothing after this runs: SIGKILL cannot be handled.
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort()
}
