//! Panics: each is a log line, and is counted on its thread, so that a layer can tell of one that code below it has caught.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::time::Duration;

use tracing::Level;

use super::Logs;
use super::origin::{Origin, Place};

/// The target of the line of a panic.
const TARGET: &str = "panic";

/// How long a panic waits for its line to be written.
const FLUSH_LIMIT: Duration = Duration::from_millis(100);

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The number of panics on this thread so far.
#[inline]
pub(crate) fn count() -> u64 {
    COUNT.get()
}

/// Has each panic of the process write a line of `logs`, in the place of the panic hook that was set before; `keep` has that
/// one run too.
pub(crate) fn install_panic_hook(logs: &Logs, keep: bool) {
    let logs = logs.clone();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // A thread that ends has no counter any more.
        let _ = COUNT.try_with(|count| count.set(count.get().wrapping_add(1)));
        write(&logs, panic);
        if keep {
            before(panic);
        }
    }));
}

fn write(logs: &Logs, panic: &PanicHookInfo<'_>) {
    let location = panic.location();
    let origin = Origin {
        level: Level::ERROR,
        target: TARGET.into(),
        name: "a panic".into(),
        file: location.map(|at| at.file().into()),
        line: location.map(std::panic::Location::line),
        place: Place::Panic,
    };
    if !logs.levels().enable(TARGET, Level::ERROR) {
        return;
    }
    logs.write(&origin, |fields| {
        let message = panic.payload_as_str();
        fields.message(format_args!(
            "panicked: {}",
            message.unwrap_or("(the payload is not a text)")
        ));
        if let Some(location) = location {
            fields.text("code.file.path", location.file());
            fields.json("code.line.number", location.line());
        }
        let thread = std::thread::current();
        fields.text("thread.name", thread.name().unwrap_or("unnamed"));
        // `RUST_BACKTRACE` decides whether there is one.
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            fields.text("exception.stacktrace", &backtrace.to_string());
        }
    });
    // The process may be about to abort.
    logs.output.writer.flush(FLUSH_LIMIT);
}
