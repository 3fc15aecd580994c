//! Which spans are made, and which events are events of a span, by their level.

use std::fmt;
use std::str::FromStr;

use tracing::Metadata;
use tracing::level_filters::LevelFilter;

use crate::logs::{InvalidDirectives, read_directives};
use crate::trace::targets::is_within;

/// Directives such as `info,auction::closing=debug`. Of several targets that an item's target is or lies within, the
/// longest decides; whole segments of the path count, so that `auction` says nothing of `auctioneer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpanLevels {
    default: LevelFilter,
    // The longest first.
    by_target: Vec<(String, LevelFilter)>,
}

// === impl SpanLevels ===

impl SpanLevels {
    /// Whether the level of this span or event is wanted.
    pub(crate) fn want(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level(metadata.target())
    }

    /// The most verbose level of all.
    pub(crate) fn most(&self) -> LevelFilter {
        self.by_target
            .iter()
            .fold(self.default, |most, (_, level)| most.max(*level))
    }

    fn level(&self, target: &str) -> LevelFilter {
        self.by_target
            .iter()
            .find(|(path, _)| is_within(target, path))
            .map_or(self.default, |(_, level)| *level)
    }
}

impl Default for SpanLevels {
    fn default() -> Self {
        Self {
            default: LevelFilter::INFO,
            by_target: Vec::new(),
        }
    }
}

impl FromStr for SpanLevels {
    type Err = InvalidDirectives;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (default, by_target) = read_directives(text)?;
        let mut by_target: Vec<_> = by_target.into_iter().collect();
        by_target.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Ok(Self {
            default: default.unwrap_or(Self::default().default),
            by_target,
        })
    }
}

impl fmt::Display for SpanLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.default)?;
        for (target, level) in &self.by_target {
            write!(f, ",{target}={level}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_target_decides_by_whole_segments() {
        let levels: SpanLevels = "warn,shop=debug,shop::till=off,h2=trace".parse().unwrap();
        for (target, level) in [
            ("shop", LevelFilter::DEBUG),
            ("shop::shelf", LevelFilter::DEBUG),
            ("shop::till", LevelFilter::OFF),
            ("shop::till::drawer", LevelFilter::OFF),
            ("shop::tillage", LevelFilter::DEBUG),
            ("shopping", LevelFilter::WARN),
            ("h2", LevelFilter::TRACE),
            ("h2o", LevelFilter::WARN),
            ("h2_o::shop", LevelFilter::WARN),
            ("sh", LevelFilter::WARN),
            ("", LevelFilter::WARN),
        ] {
            assert_eq!(levels.level(target), level, "{target}");
        }
        assert_eq!(levels.most(), LevelFilter::TRACE);
    }

    #[test]
    fn what_no_directive_names_keeps_the_default() {
        let levels: SpanLevels = "shop=trace".parse().unwrap();
        assert_eq!(levels.level("other"), LevelFilter::INFO);
        assert_eq!(levels.to_string(), "info,shop=trace");
        assert_eq!(SpanLevels::default().to_string(), "info");
        assert!("shop=loud".parse::<SpanLevels>().is_err());
    }
}
