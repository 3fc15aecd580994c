//! Accounts, and the validation of their fields.

use std::fmt;

use ::api::account as wire;
use ::api::common::Role;
use chassis::Failure;
use chassis::clock::Millis;

/// The maximum length of an e-mail address, by RFC 5321.
const MAX_EMAIL: usize = 254;
/// The maximum length of the part before the `@`, by RFC 5321 section 4.5.3.1.1.
const MAX_LOCAL_PART: usize = 64;
/// The maximum length of a label of a domain name, by RFC 1035.
const MAX_LABEL: usize = 63;
/// The length of a password, in characters.
const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 8..=128;
/// The maximum length of a name, in characters.
const MAX_NAME: usize = 100;

/// A normalised e-mail address: trimmed and in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// A password of valid length. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Whether an account can log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It can log in.
    Open,
    /// An admin has closed it.
    Closed,
}

/// An account, without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// A version 7 UUID.
    pub id: String,
    /// Its e-mail address, normalised and unique.
    pub email: String,
    /// Its name, for people.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Its state.
    pub state: State,
    /// When it was created.
    pub created_at_ms: Millis,
}

// === impl Email ===

impl Email {
    /// Validates and normalises an address. Quoted local parts, address literals and non-ASCII addresses are invalid.
    ///
    /// # Errors
    /// `account.bad_email`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let email = text.trim().to_ascii_lowercase();
        let well_formed = email.len() <= MAX_EMAIL
            && email
                .rsplit_once('@')
                .is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain));
        if well_formed {
            Ok(Self(email))
        } else {
            Err(Failure::invalid(
                "account.bad_email",
                "email",
                format!(
                    "expected an address such as name@example.com, at most {MAX_EMAIL} characters"
                ),
            ))
        }
    }

    /// The normalised address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` is a dot-atom of RFC 5322.
fn is_local_part(text: &str) -> bool {
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.len() <= MAX_LOCAL_PART
        && text
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(atom))
}

/// Whether `text` has at least two labels of letters, digits and inner hyphens.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.contains('.') && text.split('.').all(label)
}

// === impl Password ===

impl Password {
    /// Validates a password. It is not trimmed.
    ///
    /// # Errors
    /// `account.bad_password`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if PASSWORD_LENGTH.contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Failure::invalid(
                "account.bad_password",
                "password",
                format!(
                    "expected {} to {} characters",
                    PASSWORD_LENGTH.start(),
                    PASSWORD_LENGTH.end()
                ),
            ))
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(hidden)")
    }
}

/// Validates and trims a name.
///
/// # Errors
/// `account.bad_name`.
pub fn parse_name(text: &str) -> Result<String, Failure> {
    let name = text.trim();
    if (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(Failure::invalid(
            "account.bad_name",
            "name",
            format!("expected 1 to {MAX_NAME} characters, none of them a control character"),
        ))
    }
}

/// Validates the role of a sign-up: customer or restaurant.
///
/// # Errors
/// `account.bad_role`.
pub fn sign_up_role(role: Role) -> Result<Role, Failure> {
    match role {
        Role::Customer | Role::Restaurant => Ok(role),
        Role::Admin | Role::Unspecified => Err(Failure::invalid(
            "account.bad_role",
            "role",
            "expected customer or restaurant",
        )),
    }
}

/// The failure of a login. It does not tell whether the e-mail or the password was wrong.
pub fn bad_credentials() -> Failure {
    Failure::new(
        chassis::Kind::Unauthenticated,
        "account.bad_credentials",
        "no open account has this e-mail and this password",
    )
}

// === impl State ===

impl State {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Open, Self::Closed]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

// === impl Account ===

impl From<Account> for wire::Account {
    fn from(account: Account) -> Self {
        let state = match account.state {
            State::Open => wire::AccountState::Open,
            State::Closed => wire::AccountState::Closed,
        };
        Self {
            id: account.id,
            email: account.email,
            name: account.name,
            role: account.role.into(),
            state: state.into(),
            created_at_ms: account.created_at_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use ::api::common::Role;
    use proptest::prelude::*;

    use super::{Email, Password, parse_name, sign_up_role};

    #[test]
    fn addresses_that_differ_in_case_and_spaces_are_one() {
        let email = Email::parse("  Kim.Minji+Food@Example.COM ").expect("valid");
        assert_eq!(email.as_str(), "kim.minji+food@example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
        let long = format!("a@{}example.com", "b.".repeat(130));
        for text in [
            "",
            "kim",
            "@example.com",
            "kim@",
            "kim@localhost",
            "kim@-example.com",
            "kim@example..com",
            ".kim@example.com",
            "kim..lee@example.com",
            "kim lee@example.com",
            "kim@lee@example.com",
            "김@example.com",
            "kim@example.com\n bcc:x@example.com",
            &long_local,
            &long_label,
            &long,
        ] {
            let failure = Email::parse(text).expect_err(text);
            assert_eq!(failure.code, "account.bad_email");
            assert_eq!(failure.field.as_deref(), Some("email"));
        }
    }

    #[test]
    fn a_password_is_measured_in_characters() {
        assert!(Password::parse("비밀번호여덟글자").is_ok());
        assert!(Password::parse(&"가".repeat(128)).is_ok());
        for text in [String::new(), "1234567".to_owned(), "x".repeat(129)] {
            assert_eq!(
                Password::parse(&text).expect_err("length").code,
                "account.bad_password"
            );
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let password = Password::parse("correct horse").expect("valid");
        assert!(!format!("{password:?}").contains("horse"));
    }

    #[test]
    fn nobody_signs_up_as_an_admin() {
        assert_eq!(
            sign_up_role(Role::Admin).expect_err("refused").code,
            "account.bad_role"
        );
        assert!(sign_up_role(Role::Unspecified).is_err());
        assert!(sign_up_role(Role::Restaurant).is_ok());
    }

    #[test]
    fn a_name_has_no_control_characters() {
        assert_eq!(parse_name("  한강치킨 ").expect("valid"), "한강치킨");
        for text in ["", "   ", "a\u{0}b", "a\nb", &"n".repeat(101)] {
            assert!(parse_name(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,80}|[A-Za-z.]{1,9}@[A-Za-z0-9.-]{1,12}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()).expect("still valid"), email);
            }
        }
    }
}
