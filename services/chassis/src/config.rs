//! A service's settings, from environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::platform::{DEFAULT_NATS_URL, Service, VARIABLE_PREFIX};

/// The settings that every service has.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `BIDTRACE_LISTEN`: the address of the main port.
    pub listen: SocketAddr,
    /// `BIDTRACE_ADMIN_LISTEN`: the address of the admin port.
    pub admin_listen: SocketAddr,
    /// `BIDTRACE_DATABASE_URL`: `sqlite://PATH?mode=rwc` or `postgres://...`.
    pub database_url: String,
    /// `BIDTRACE_NATS_URL`: the URL of the broker.
    pub nats_url: String,
    /// `BIDTRACE_FAULTS`: the folder that arms [fault points](crate::fault). Without it none is armed.
    pub faults: Option<PathBuf>,
}

/// A variable with an invalid value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{variable}={value}: {expected}")]
pub struct SettingsError {
    /// The variable.
    pub variable: String,
    /// Its value.
    pub value: String,
    /// What values are valid.
    pub expected: String,
}

impl Settings {
    /// Reads the settings of `service` from the process's environment.
    ///
    /// # Errors
    /// The first variable with an invalid value.
    pub fn from_env(service: Service) -> Result<Self, SettingsError> {
        Self::from_lookup(service, |name| std::env::var(name).ok())
    }

    fn from_lookup(
        service: Service,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let get =
            |name: &str| lookup(&format!("{VARIABLE_PREFIX}{name}")).filter(|v| !v.is_empty());
        let address = |name: &str, default: SocketAddr| match get(name) {
            None => Ok(default),
            Some(value) => value.parse().map_err(|_| SettingsError {
                variable: format!("{VARIABLE_PREFIX}{name}"),
                value,
                expected: format!("expected an address and port such as {default}"),
            }),
        };
        let database_url = get("DATABASE_URL")
            .unwrap_or_else(|| format!("sqlite://{}.db?mode=rwc", service.name()));
        if !["sqlite:", "postgres:", "postgresql:"]
            .iter()
            .any(|scheme| database_url.starts_with(scheme))
        {
            return Err(SettingsError {
                variable: format!("{VARIABLE_PREFIX}DATABASE_URL"),
                value: database_url,
                expected: "expected sqlite://PATH?mode=rwc or postgres://USER@HOST/DATABASE"
                    .to_owned(),
            });
        }
        Ok(Self {
            listen: address("LISTEN", service.default_listen())?,
            admin_listen: address("ADMIN_LISTEN", service.default_admin_listen())?,
            database_url,
            nats_url: get("NATS_URL").unwrap_or_else(|| DEFAULT_NATS_URL.to_owned()),
            faults: get("FAULTS").map(PathBuf::from),
        })
    }
}

/// The URL of `service`: its variable or its default.
pub fn url_of(service: Service) -> String {
    std::env::var(service.url_variable())
        .ok()
        .filter(|url| !url.is_empty())
        .unwrap_or_else(|| service.default_url())
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use crate::platform::Service;

    #[test]
    fn an_empty_environment_gives_the_loopback_defaults() {
        let settings =
            Settings::from_lookup(Service::Auction, |_| None).expect("defaults are valid");
        assert_eq!(settings.listen, Service::Auction.default_listen());
        assert_eq!(settings.database_url, "sqlite://auction.db?mode=rwc");
    }

    #[test]
    fn a_bad_address_is_named_with_what_would_be_right() {
        let error = Settings::from_lookup(Service::Auction, |name| {
            (name == "BIDTRACE_LISTEN").then(|| "localhost".to_owned())
        })
        .expect_err("no port");
        assert_eq!(
            error.to_string(),
            "BIDTRACE_LISTEN=localhost: expected an address and port such as 127.0.0.1:50053"
        );
    }

    #[test]
    fn an_unknown_database_engine_is_refused() {
        let error = Settings::from_lookup(Service::Auction, |name| {
            (name == "BIDTRACE_DATABASE_URL").then(|| "mysql://x".to_owned())
        })
        .expect_err("not an engine of ours");
        assert_eq!(error.variable, "BIDTRACE_DATABASE_URL");
    }
}
