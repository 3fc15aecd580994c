//! A `tracing` subscriber around another one, which answers some calls itself and forwards the rest.
//!
//! # Why this is a crate of its own
//!
//! Layers find each other, and `tracing_subscriber`'s registry, through `Subscriber::downcast_raw`: the registry is told
//! of a span's close only when it is found that way, and `OpenTelemetrySpanExt` finds the data of a span so. A subscriber
//! around a registry must therefore forward that method, or spans are never freed and the extension trait does nothing,
//! silently. The method is `unsafe` to implement, so that a crate that forbids `unsafe` cannot do it. This is the one
//! place of the workspace that may, and it does nothing else.
//!
//! # Why it is sound
//!
//! `downcast_raw(id)` must return none, or a pointer to a value of the type of `id` that is valid as long as `&self`.
//!
//! - For the type of the wrapper itself and of its policy, it is the address of `self` and of a field of it.
//! - For every other type it is the answer of the wrapped subscriber, which is a field of `self` that is neither moved nor
//!   replaced while `&self` lives: what is valid as long as that field is borrowed is valid as long as `self` is.

use std::any::TypeId;

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, LevelFilter, Metadata, Subscriber};

/// What a [`Wrapper`] does otherwise than the subscriber that it wraps. Each method forwards the call unless it is written
/// anew; one that is must forward what it does not handle, with `inner`.
pub trait Policy<S: Subscriber>: 'static {
    /// The subscriber becomes a [`Dispatch`], this one.
    fn on_register_dispatch(&self, dispatch: &Dispatch, inner: &S) {
        inner.on_register_dispatch(dispatch);
    }

    /// An event happens.
    fn event(&self, event: &Event<'_>, inner: &S) {
        inner.event(event);
    }

    /// A span is entered.
    fn enter(&self, id: &Id, inner: &S) {
        inner.enter(id);
    }

    /// A span is left.
    fn exit(&self, id: &Id, inner: &S) {
        inner.exit(id);
    }

    /// The current span.
    fn current_span(&self, inner: &S) -> Current {
        inner.current_span()
    }
}

/// The subscriber `S`, changed by `P`. It downcasts to itself, to `P`, and to whatever `S` does.
#[derive(Debug)]
pub struct Wrapper<P, S> {
    policy: P,
    inner: S,
}

// === impl Wrapper ===

impl<P, S> Wrapper<P, S> {
    /// Wraps `inner`.
    pub fn new(policy: P, inner: S) -> Self {
        Self { policy, inner }
    }
}

impl<P: Policy<S>, S: Subscriber> Subscriber for Wrapper<P, S> {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.policy.on_register_dispatch(dispatch, &self.inner);
    }

    #[inline]
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.inner.register_callsite(metadata)
    }

    #[inline]
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    #[inline]
    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.inner.max_level_hint()
    }

    #[inline]
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.inner.new_span(attributes)
    }

    #[inline]
    fn record(&self, id: &Id, values: &Record<'_>) {
        self.inner.record(id, values);
    }

    #[inline]
    fn record_follows_from(&self, id: &Id, follows: &Id) {
        self.inner.record_follows_from(id, follows);
    }

    #[inline]
    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.inner.event_enabled(event)
    }

    #[inline]
    fn event(&self, event: &Event<'_>) {
        self.policy.event(event, &self.inner);
    }

    #[inline]
    fn enter(&self, id: &Id) {
        self.policy.enter(id, &self.inner);
    }

    #[inline]
    fn exit(&self, id: &Id) {
        self.policy.exit(id, &self.inner);
    }

    #[inline]
    fn clone_span(&self, id: &Id) -> Id {
        self.inner.clone_span(id)
    }

    #[inline]
    fn drop_span(&self, id: Id) {
        self.inner.try_close(id);
    }

    #[inline]
    fn try_close(&self, id: Id) -> bool {
        self.inner.try_close(id)
    }

    #[inline]
    fn current_span(&self) -> Current {
        self.policy.current_span(&self.inner)
    }

    #[allow(unsafe_code)] // The reason is in the crate's documentation.
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            Some(std::ptr::from_ref(self).cast())
        } else if id == TypeId::of::<P>() {
            Some(std::ptr::from_ref(&self.policy).cast())
        } else {
            // SAFETY: what `inner` returns is valid as long as `inner` is, a field of `self`.
            unsafe { self.inner.downcast_raw(id) }
        }
    }
}

#[cfg(test)]
mod tests;
