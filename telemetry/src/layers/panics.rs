//! Panics on this thread, also those that code below a layer catches and answers itself.

use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Notes a panic of this thread. For the panic hook.
pub(crate) fn note() {
    // A thread that ends has no counter any more.
    let _ = COUNT.try_with(|count| count.set(count.get().wrapping_add(1)));
}

/// How many there have been on this thread.
#[inline]
pub(crate) fn count() -> u64 {
    COUNT.get()
}
