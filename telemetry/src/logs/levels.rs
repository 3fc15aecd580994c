//! The levels in force, which the admin port changes while the process runs.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};

use super::directives::Directives;
use super::records;

/// Which events become log lines. Clones are the same. Spans are none of their business, so that no log level cuts a
/// trace.
///
/// Only these change at run time; the layers stay, since the one that makes spans cannot be exchanged.
#[derive(Debug, Clone)]
pub(crate) struct Levels(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    configured: Arc<InForce>,
    in_force: ArcSwap<InForce>,
}

/// What is logged, and until when.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) directives: Directives,
    /// When the configured ones come back by themselves.
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

    /// What is logged now.
    pub(crate) fn in_force(&self) -> Arc<InForce> {
        self.0.in_force.load_full()
    }

    /// What is logged unless it is changed.
    pub(crate) fn configured(&self) -> &Directives {
        &self.0.configured.directives
    }

    /// Logs by these directives from now on; with `lasting`, until that time is over. Must be called on a runtime.
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

    /// Logs by the configured directives again.
    pub(crate) fn restore(&self) {
        self.0.in_force.store(Arc::clone(&self.0.configured));
        self.tell_callers();
    }

    /// Restores what was configured, unless `changed` has been changed since.
    fn end(&self, changed: &Arc<InForce>) {
        let configured = Arc::clone(&self.0.configured);
        let before = self.0.in_force.compare_and_swap(changed, configured);
        if Arc::ptr_eq(&before, changed) {
            self.tell_callers();
        }
    }

    /// `tracing` and `log` both remember what nobody wants.
    fn tell_callers(&self) {
        tracing::callsite::rebuild_interest_cache();
        records::set_max_level(self);
    }

    /// Whether an event of `tracing` becomes a line now.
    pub(crate) fn want(&self, metadata: &Metadata<'_>) -> bool {
        self.enable(metadata.target(), *metadata.level())
    }

    /// Whether an event of this target and level becomes a line now.
    pub(super) fn enable(&self, target: &str, level: Level) -> bool {
        self.0.in_force.load().directives.enable(target, level)
    }

    /// The lowest level of which anything becomes a line now.
    pub(crate) fn most(&self) -> LevelFilter {
        self.0.in_force.load().directives.most()
    }
}
