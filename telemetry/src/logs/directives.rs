//! Log levels by target, in the syntax of `RUST_LOG`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// The level of targets that no directive names: errors are logged unless a directive says `off`.
const UNNAMED: LevelFilter = LevelFilter::ERROR;

/// Directives such as `info,auction=debug`. The longest matching prefix of an event's target decides.
#[derive(Debug, Clone)]
pub(crate) struct Directives {
    default: LevelFilter,
    by_target: BTreeMap<String, LevelFilter>,
    targets: Targets,
}

/// An invalid directive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDirectives {
    #[error("no directive; expected a level, TARGET=LEVEL, or a list of them")]
    Nothing,
    #[error(
        "{level:?} in {directive:?} is no level; expected off, error, warn, info, debug or trace"
    )]
    Level { directive: String, level: String },
    #[error(
        "{directive:?} does not name a target; expected the path of a module, as in auction::closing=debug"
    )]
    Target { directive: String },
}

// === impl Directives ===

impl Directives {
    fn new(default: LevelFilter, by_target: BTreeMap<String, LevelFilter>) -> Self {
        let targets = Targets::new()
            .with_default(default)
            .with_targets(by_target.clone());
        Self {
            default,
            by_target,
            targets,
        }
    }

    /// Whether an event of this target and level is logged.
    pub(super) fn enable(&self, target: &str, level: Level) -> bool {
        self.targets.would_enable(target, &level)
    }

    /// The most verbose level of any directive.
    pub(super) fn most(&self) -> LevelFilter {
        self.by_target
            .values()
            .fold(self.default, |most, level| most.max(*level))
    }
}

/// The default of `RUST_LOG`: `info,opentelemetry=warn`.
impl Default for Directives {
    fn default() -> Self {
        let quiet = ("opentelemetry".to_owned(), LevelFilter::WARN);
        Self::new(LevelFilter::INFO, BTreeMap::from([quiet]))
    }
}

impl FromStr for Directives {
    type Err = InvalidDirectives;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (default, by_target) = read(text)?;
        Ok(Self::new(default.unwrap_or(UNNAMED), by_target))
    }
}

/// In full form: `auction` is shown as `error,auction=trace`.
impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.default)?;
        for (target, level) in &self.by_target {
            write!(f, ",{target}={level}")?;
        }
        Ok(())
    }
}

/// Reads directives: the level of what none names, if one is given, and those of targets.
pub(crate) fn read(
    text: &str,
) -> Result<(Option<LevelFilter>, BTreeMap<String, LevelFilter>), InvalidDirectives> {
    let mut default = None;
    let mut by_target = BTreeMap::new();
    for directive in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        match directive.split_once('=') {
            Some((target, level)) => {
                let known = read_level(level.trim()).ok_or_else(|| InvalidDirectives::Level {
                    directive: directive.to_owned(),
                    level: level.to_owned(),
                })?;
                by_target.insert(read_target(target.trim(), directive)?, known);
            }
            None => match read_level(directive) {
                Some(level) => default = Some(level),
                None => {
                    by_target.insert(read_target(directive, directive)?, LevelFilter::TRACE);
                }
            },
        }
    }
    if default.is_none() && by_target.is_empty() {
        return Err(InvalidDirectives::Nothing);
    }
    Ok((default, by_target))
}

fn read_level(text: &str) -> Option<LevelFilter> {
    // The parser of `tracing` accepts an empty text.
    text.parse().ok().filter(|_| !text.is_empty())
}

fn read_target(target: &str, directive: &str) -> Result<String, InvalidDirectives> {
    let fits = !target.is_empty()
        && target
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_:.-/".contains(&byte));
    if fits {
        Ok(target.to_owned())
    } else {
        Err(InvalidDirectives::Target {
            directive: directive.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Directives>().unwrap().to_string()
    }

    #[test]
    fn directives_are_read_as_rust_log_has_them_and_shown_in_full() {
        for (text, shown) in [
            ("info", "info"),
            ("WARN", "warn"),
            ("info,auction=debug", "info,auction=debug"),
            (
                " auction::closing = trace , info,, ",
                "info,auction::closing=trace",
            ),
            ("auction=debug", "error,auction=debug"),
            ("auction", "error,auction=trace"),
            ("off,auction=1", "off,auction=error"),
            ("a=info,warn,a=debug", "warn,a=debug"),
        ] {
            assert_eq!(self::shown(text), shown, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, named) in [
            ("", "no directive"),
            (" , ", "no directive"),
            ("info,auction=loud", "\"loud\" in \"auction=loud\""),
            ("info,auction=", "\"\" in \"auction=\""),
            ("=debug", "\"=debug\" does not name a target"),
            (
                "info,[span]=debug",
                "\"[span]=debug\" does not name a target",
            ),
            ("info;auction=debug", "\"info;auction=debug\" does not name"),
        ] {
            let error = text.parse::<Directives>().unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_shown_reads_the_same(
            text in "\\PC*|((info|warn|off|9|a|b::c|[a-z]{3}|=|,| ){0,12})",
        ) {
            if let Ok(directives) = text.parse::<Directives>() {
                let shown = directives.to_string();
                prop_assert_eq!(shown.parse::<Directives>().unwrap().to_string(), shown);
            }
        }
    }
}
