//! What is current on a thread.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use opentelemetry::{Context, ContextGuard};
use tracing::callsite::{Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::span::Id;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata};
use tracing_core::span::Current;

use crate::span::{self, Data};
use crate::spans::Spans;

/// What has been entered.
enum Frame {
    /// A span of `tracing`, of the bridge of that number.
    Span {
        bridge: u64,
        id: Id,
        metadata: &'static Metadata<'static>,
        _context: ContextGuard,
    },
    /// A span of OpenTelemetry.
    Other {
        number: u64,
        context: Context,
        asked: Vec<Asked>,
    },
}

/// A span of `tracing` that stands for one of OpenTelemetry while that is entered, since somebody has asked for it.
struct Asked {
    bridge: u64,
    spans: Arc<Spans>,
    id: Id,
}

/// While this lives, a span of OpenTelemetry is the current one of both libraries on its thread.
#[must_use = "it is left when this is dropped"]
pub struct Inside {
    number: u64,
    _context: ContextGuard,
}

thread_local! {
    // The innermost last.
    static STACK: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Of the spans that stand for others.
pub(crate) static METADATA: Metadata<'static> = Metadata::new(
    "span",
    "opentelemetry",
    Level::INFO,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&Standing)),
    Kind::SPAN,
);

/// Where they come from.
struct Standing;

/// Makes the span of `context` the current one of both libraries. There is none of `tracing` for it until somebody asks for
/// the current one; what is done to that then happens to the span of `context`, which it does not end.
pub fn enter(context: Context) -> Inside {
    let number = NUMBER.get();
    NUMBER.set(number + 1);
    let frame = Frame::Other {
        number,
        context: context.clone(),
        asked: Vec::new(),
    };
    // A thread that is about to end has no stack any more.
    let _ = STACK.try_with(|stack| stack.borrow_mut().push(frame));
    Inside {
        number,
        _context: context.attach(),
    }
}

/// A span of `tracing` has been entered, and its context is the current one.
pub(crate) fn push(
    bridge: u64,
    id: &Id,
    metadata: &'static Metadata<'static>,
    context: ContextGuard,
) {
    let frame = Frame::Span {
        bridge,
        id: id.clone(),
        metadata,
        _context: context,
    };
    let _ = STACK.try_with(|stack| stack.borrow_mut().push(frame));
}

/// It has been left.
pub(crate) fn pop(bridge: u64, id: &Id) {
    take(
        |frame| matches!(frame, Frame::Span { bridge: of, id: that, .. } if (*of, that) == (bridge, id)),
    );
}

/// The current span, as a bridge has it.
pub(crate) fn current(bridge: u64, spans: &Arc<Spans>) -> Current {
    let current = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        stack.iter_mut().rev().find_map(|frame| match frame {
            Frame::Span {
                bridge: of,
                id,
                metadata,
                ..
            } => (*of == bridge).then(|| Current::new(id.clone(), metadata)),
            Frame::Other { context, asked, .. } => {
                let known = asked.iter().find(|asked| asked.bridge == bridge);
                let id = if let Some(known) = known {
                    known.id.clone()
                } else {
                    let id = spans.open(Data::standing_for(context.clone()));
                    asked.push(Asked {
                        bridge,
                        spans: Arc::clone(spans),
                        id: id.clone(),
                    });
                    id
                };
                Some(Current::new(id, &METADATA))
            }
        })
    });
    current.ok().flatten().unwrap_or_else(Current::none)
}

/// The context of the current span, as a bridge has it.
pub(crate) fn context(bridge: u64, spans: &Spans) -> Option<Context> {
    let entered = STACK.try_with(|stack| {
        let stack = stack.borrow();
        stack.iter().rev().find_map(|frame| match frame {
            Frame::Span { bridge: of, id, .. } => (*of == bridge).then(|| Err(id.clone())),
            Frame::Other { context, .. } => Some(Ok(context.clone())),
        })
    });
    match entered.ok()?? {
        Ok(context) => Some(context),
        Err(id) => span::context(spans, &id).map(|(context, _)| context),
    }
}

/// Takes the innermost frame that is the one, in whatever order they are left.
fn take(is: impl Fn(&Frame) -> bool) {
    let taken = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        let place = stack.iter().rposition(is)?;
        Some(stack.remove(place))
    });
    // Not under the borrow: what a context holds may go with it.
    drop(taken);
}

// === impl Inside ===

impl Drop for Inside {
    fn drop(&mut self) {
        let mine = self.number;
        take(|frame| matches!(frame, Frame::Other { number, .. } if *number == mine));
    }
}

// === impl Asked ===

impl Drop for Asked {
    fn drop(&mut self) {
        // Others may hold it still. It is nobody's end.
        drop(self.spans.release(&self.id));
    }
}

// === impl Standing ===

impl Callsite for Standing {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &METADATA
    }
}
