//! Which recorder is that of the process.

use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::Recorder;

/// The address of the recorder of the process; 0 while there is none.
static INSTALLED: AtomicUsize = AtomicUsize::new(0);

/// Remembers the recorder that the facade has on this thread as that of the process.
pub(crate) fn remember() {
    INSTALLED.store(metrics::with_recorder(address), Ordering::Release);
}

/// Whether measurements on this thread go to the recorder of the process, whose handles stay valid: not in a test that
/// has installed one of its own on its thread.
pub(crate) fn is_installed(recorder: &dyn Recorder) -> bool {
    address(recorder) == INSTALLED.load(Ordering::Acquire)
}

fn address(recorder: &dyn Recorder) -> usize {
    std::ptr::from_ref(recorder).cast::<()>().addr()
}
