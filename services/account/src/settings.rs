//! The service's own settings, from environment variables.

use ::api::common::Role;
use chassis::Failure;
use chassis::clock::Millis;
use chassis::config::SettingsError;
use chassis::platform::VARIABLE_PREFIX;

use crate::domain::{Email, Password};

/// OWASP's first recommendation for Argon2id: 19 MiB.
const DEFAULT_ARGON2_MEMORY_KIB: u32 = 19_456;
/// From Argon2's minimum to 1 GiB.
const ARGON2_MEMORY_KIB: std::ops::RangeInclusive<u32> = 8..=1_048_576;
/// Twelve hours.
const DEFAULT_TOKEN_LIFETIME_S: Millis = 12 * 60 * 60;
/// From one second to thirty days.
const TOKEN_LIFETIME_S: std::ops::RangeInclusive<Millis> = 1..=30 * 24 * 60 * 60;

/// The service's own settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `BIDTRACE_ARGON2_MEMORY_KIB`.
    pub argon2_memory_kib: u32,
    /// `BIDTRACE_TOKEN_LIFETIME_S`, in milliseconds.
    pub token_lifetime_ms: Millis,
    /// The accounts that are created or updated at start-up: `BIDTRACE_ADMIN_EMAIL` with `BIDTRACE_ADMIN_PASSWORD`, and
    /// `BIDTRACE_LOAD_EMAIL` with `BIDTRACE_LOAD_PASSWORD`.
    pub accounts: Vec<ConfiguredAccount>,
}

/// An account that the environment configures.
#[derive(Debug, Clone)]
pub struct ConfiguredAccount {
    /// Its e-mail address.
    pub email: Email,
    /// Its password. A changed one replaces the stored one at the next start.
    pub password: Password,
    /// Its name, for people.
    pub name: &'static str,
    /// Its role.
    pub role: Role,
    /// Whether the gateway accepts the trace context of its requests.
    pub trace_trusted: bool,
}

impl Settings {
    /// Reads the settings from the process's environment.
    ///
    /// # Errors
    /// The first variable with an invalid value. The value of a password is hidden.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let get =
            |name: &str| lookup(&format!("{VARIABLE_PREFIX}{name}")).filter(|v| !v.is_empty());
        let argon2_memory_kib = number(
            "ARGON2_MEMORY_KIB",
            get("ARGON2_MEMORY_KIB"),
            DEFAULT_ARGON2_MEMORY_KIB,
            &ARGON2_MEMORY_KIB,
        )?;
        let token_lifetime_s = number(
            "TOKEN_LIFETIME_S",
            get("TOKEN_LIFETIME_S"),
            DEFAULT_TOKEN_LIFETIME_S,
            &TOKEN_LIFETIME_S,
        )?;
        let admin = login(&get, "ADMIN_EMAIL", "ADMIN_PASSWORD")?.map(|(email, password)| {
            ConfiguredAccount {
                email,
                password,
                name: "Admin",
                role: Role::Admin,
                trace_trusted: false,
            }
        });
        let load = login(&get, "LOAD_EMAIL", "LOAD_PASSWORD")?.map(|(email, password)| {
            ConfiguredAccount {
                email,
                password,
                name: "Load generator",
                role: Role::Customer,
                trace_trusted: true,
            }
        });
        Ok(Self {
            argon2_memory_kib,
            token_lifetime_ms: token_lifetime_s * 1000,
            accounts: admin.into_iter().chain(load).collect(),
        })
    }
}

fn number<T>(
    name: &str,
    value: Option<String>,
    default: T,
    range: &std::ops::RangeInclusive<T>,
) -> Result<T, SettingsError>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let Some(value) = value else {
        return Ok(default);
    };
    value
        .parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| SettingsError {
            variable: format!("{VARIABLE_PREFIX}{name}"),
            value,
            expected: format!(
                "expected a number from {} to {}",
                range.start(),
                range.end()
            ),
        })
}

fn login(
    get: &impl Fn(&str) -> Option<String>,
    email_name: &str,
    password_name: &str,
) -> Result<Option<(Email, Password)>, SettingsError> {
    let bad = |name: &str, value: &str, expected: String| SettingsError {
        variable: format!("{VARIABLE_PREFIX}{name}"),
        value: value.to_owned(),
        expected,
    };
    let told = |failure: Failure| failure.message.into_owned();
    match (get(email_name), get(password_name)) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(bad(
            password_name,
            "",
            format!("expected a password, since {VARIABLE_PREFIX}{email_name} is set"),
        )),
        (None, Some(_)) => Err(bad(
            email_name,
            "",
            format!("expected an address, since {VARIABLE_PREFIX}{password_name} is set"),
        )),
        (Some(email), Some(password)) => Ok(Some((
            Email::parse(&email).map_err(|failure| bad(email_name, &email, told(failure)))?,
            Password::parse(&password)
                .map_err(|failure| bad(password_name, "(hidden)", told(failure)))?,
        ))),
    }
}

#[cfg(test)]
mod tests {
    use ::api::common::Role;
    use chassis::config::SettingsError;

    use super::{DEFAULT_ARGON2_MEMORY_KIB, Settings};

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_lookup(|name| {
            variables
                .iter()
                .find(|(variable, _)| *variable == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn there_is_no_admin_unless_the_environment_names_one() {
        let settings = settings(&[]).expect("defaults are valid");
        assert!(settings.accounts.is_empty());
        assert_eq!(settings.argon2_memory_kib, DEFAULT_ARGON2_MEMORY_KIB);
        assert_eq!(settings.token_lifetime_ms, 43_200_000);
    }

    #[test]
    fn only_the_load_generator_may_carry_a_trace_context() {
        let settings = settings(&[
            ("BIDTRACE_ADMIN_EMAIL", "admin@bidtrace.example"),
            ("BIDTRACE_ADMIN_PASSWORD", "correct horse"),
            ("BIDTRACE_LOAD_EMAIL", "load@bidtrace.example"),
            ("BIDTRACE_LOAD_PASSWORD", "battery staple"),
        ])
        .expect("valid");
        let of = |role| {
            settings
                .accounts
                .iter()
                .find(|account| account.role == role)
                .expect("there")
        };
        assert!(!of(Role::Admin).trace_trusted);
        assert!(of(Role::Customer).trace_trusted);
    }

    #[test]
    fn half_a_pair_names_the_half_that_is_missing() {
        let error = settings(&[("BIDTRACE_ADMIN_EMAIL", "admin@bidtrace.example")])
            .expect_err("no password");
        assert_eq!(error.variable, "BIDTRACE_ADMIN_PASSWORD");
        let error =
            settings(&[("BIDTRACE_LOAD_PASSWORD", "battery staple")]).expect_err("no address");
        assert_eq!(error.variable, "BIDTRACE_LOAD_EMAIL");
    }

    #[test]
    fn a_bad_password_is_not_repeated() {
        let error = settings(&[
            ("BIDTRACE_ADMIN_EMAIL", "admin@bidtrace.example"),
            ("BIDTRACE_ADMIN_PASSWORD", "short"),
        ])
        .expect_err("too short");
        assert!(!error.to_string().contains("short"), "{error}");
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_the_range() {
        let error = settings(&[("BIDTRACE_ARGON2_MEMORY_KIB", "7")]).expect_err("too little");
        assert_eq!(
            error.to_string(),
            "BIDTRACE_ARGON2_MEMORY_KIB=7: expected a number from 8 to 1048576"
        );
        assert!(settings(&[("BIDTRACE_TOKEN_LIFETIME_S", "soon")]).is_err());
    }
}
