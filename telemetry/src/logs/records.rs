//! Records of the `log` crate as log lines.
//!
//! They are lines like those of `tracing`: by the same levels and limits, with the ids of the span in which they are made.
//! They do not become events of that span.

use log::kv::{Key, Value, VisitSource};
use log::{Log, Metadata, Record};
use tracing::Level;
use tracing::level_filters::LevelFilter;

use super::line::Fields;
use super::origin::{Origin, Place};
use super::{Levels, Logs};

/// Takes the records of the process.
#[derive(Debug)]
struct Logger(Logs);

/// Has the records of this process become lines of `logs`. There can be one logger only: another one that is there already
/// keeps them.
pub(super) fn install(logs: &Logs) {
    if log::set_boxed_logger(Box::new(Logger(logs.clone()))).is_ok() {
        set_max_level(logs.levels());
    } else {
        tracing::warn!(
            "another logger of the log crate is installed: its records do not become lines of the telemetry"
        );
    }
}

/// Has the `log` crate leave out early what nobody wants.
pub(super) fn set_max_level(levels: &Levels) {
    let most = levels.most();
    let filters = [
        (LevelFilter::ERROR, log::LevelFilter::Error),
        (LevelFilter::WARN, log::LevelFilter::Warn),
        (LevelFilter::INFO, log::LevelFilter::Info),
        (LevelFilter::DEBUG, log::LevelFilter::Debug),
        (LevelFilter::TRACE, log::LevelFilter::Trace),
    ];
    let filter = filters.iter().find(|(filter, _)| *filter == most);
    log::set_max_level(filter.map_or(log::LevelFilter::Off, |(_, filter)| *filter));
}

fn level_of(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::ERROR,
        log::Level::Warn => Level::WARN,
        log::Level::Info => Level::INFO,
        log::Level::Debug => Level::DEBUG,
        log::Level::Trace => Level::TRACE,
    }
}

// === impl Logger ===

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = level_of(metadata.level());
        self.0.levels().enable(metadata.target(), level)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = level_of(record.level());
        let origin = Origin {
            level,
            target: record.target().into(),
            name: "".into(),
            file: record.file().map(Into::into),
            line: record.line(),
            place: Place::Source {
                level,
                file: record.file_static().or(record.module_path_static()),
                line: record.line(),
            },
        };
        self.0.write(&origin, |fields| {
            fields.message(*record.args());
            // What a value cannot show is left out.
            let _ = record.key_values().visit(&mut Pairs(fields));
        });
    }

    /// Lines that must not be lost are flushed by the guard of the telemetry.
    fn flush(&self) {}
}

/// Takes the key-value pairs of a record.
struct Pairs<'a, 'f>(&'a mut Fields<'f>);

impl<'kvs> VisitSource<'kvs> for Pairs<'_, '_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        let (key, fields) = (key.as_str(), &mut *self.0);
        if let Some(flag) = value.to_bool() {
            fields.json(key, flag);
        } else if let Some(number) = value.to_u64() {
            fields.json(key, number);
        } else if let Some(number) = value.to_i64() {
            fields.json(key, number);
        } else if let Some(number) = value.to_f64() {
            fields.float(key, number);
        } else {
            fields.text(key, &value.to_string());
        }
        Ok(())
    }
}
