//! The log levels, which can be changed at run time.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};

use super::directives::Directives;
use super::records;

/// The current log levels. Clones share them. They apply to log lines only, so that no log level cuts a trace.
#[derive(Debug, Clone)]
pub(crate) struct Levels(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    configured: Arc<InForce>,
    in_force: ArcSwap<InForce>,
}

/// Directives, and how long they apply.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) directives: Directives,
    /// When the configured directives are restored.
    pub(crate) until: Option<Instant>,
}

// === impl Levels ===

impl Levels {
    pub(crate) fn new(configured: Directives) -> Self {
        let configured = Arc::new(InForce {
            directives: configured,
            until: None,
        });
        Self(Arc::new(Shared {
            in_force: ArcSwap::new(Arc::clone(&configured)),
            configured,
        }))
    }

    /// The current directives.
    pub(crate) fn in_force(&self) -> Arc<InForce> {
        self.0.in_force.load_full()
    }

    /// The configured directives.
    pub(crate) fn configured(&self) -> &Directives {
        &self.0.configured.directives
    }

    /// Applies `directives`, for `lasting` if given. Must be called on a runtime.
    pub(crate) fn change(&self, directives: Directives, lasting: Option<Duration>) {
        let until = lasting.map(|lasting| Instant::now() + lasting);
        let changed = Arc::new(InForce { directives, until });
        self.0.in_force.store(Arc::clone(&changed));
        self.tell_callers();
        if let Some(until) = until {
            let levels = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep_until(until).await;
                levels.end(&changed);
            });
        }
    }

    /// Restores the configured directives.
    pub(crate) fn restore(&self) {
        self.0.in_force.store(Arc::clone(&self.0.configured));
        self.tell_callers();
    }

    /// Restores the configured directives unless `changed` has been replaced.
    fn end(&self, changed: &Arc<InForce>) {
        let configured = Arc::clone(&self.0.configured);
        let before = self.0.in_force.compare_and_swap(changed, configured);
        if Arc::ptr_eq(&before, changed) {
            self.tell_callers();
        }
    }

    /// Invalidates what `tracing` and `log` cache of the levels.
    fn tell_callers(&self) {
        tracing::callsite::rebuild_interest_cache();
        records::set_max_level(self);
    }

    /// Whether a `tracing` event is logged.
    pub(crate) fn want(&self, metadata: &Metadata<'_>) -> bool {
        self.enable(metadata.target(), *metadata.level())
    }

    /// Whether an event of this target and level is logged.
    pub(super) fn enable(&self, target: &str, level: Level) -> bool {
        self.0.in_force.load().directives.enable(target, level)
    }

    /// The most verbose level that is logged for any target.
    pub(crate) fn most(&self) -> LevelFilter {
        self.0.in_force.load().directives.most()
    }
}
