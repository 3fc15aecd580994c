//! Where a log line comes from: an event of `tracing`, a record of the `log` crate, or a panic.

use std::borrow::Cow;

use tracing::callsite::Identifier;
use tracing::{Level, Metadata};

/// What is known of a line before its message and fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Origin<'a> {
    pub(super) level: Level,
    pub(super) target: Cow<'a, str>,
    /// The message of a line that has no other.
    pub(super) name: Cow<'a, str>,
    pub(super) file: Option<Cow<'a, str>>,
    pub(super) line: Option<u32>,
    pub(super) place: Place,
}

/// One place in the code, of which there is a bounded number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// A callsite of `tracing`.
    Callsite(Identifier),
    /// A line of a source file; of a record that does not say where it comes from, its level alone is known.
    Source {
        level: Level,
        file: Option<&'static str>,
        line: Option<u32>,
    },
    /// All panics together.
    Panic,
}

// === impl Origin ===

impl Origin<'_> {
    pub(super) fn of_event(metadata: &'static Metadata<'static>) -> Self {
        // The name of an event says nothing (`event src/main.rs:10`), unless its author gave it one.
        let name = Some(metadata.name()).filter(|name| !name.starts_with("event "));
        Self {
            level: *metadata.level(),
            target: metadata.target().into(),
            name: name.unwrap_or_default().into(),
            file: metadata.file().map(Into::into),
            line: metadata.line(),
            place: Place::Callsite(metadata.callsite()),
        }
    }

    /// The same, for as long as the process runs.
    pub(super) fn to_static(&self) -> Origin<'static> {
        let owned = |text: &Cow<'_, str>| Cow::Owned(text.clone().into_owned());
        Origin {
            level: self.level,
            target: owned(&self.target),
            name: owned(&self.name),
            file: self.file.as_ref().map(owned),
            line: self.line,
            place: self.place.clone(),
        }
    }
}
