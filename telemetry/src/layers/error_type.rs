//! What an error is called on spans and in metrics.

use std::any::Any;
use std::borrow::Cow;

/// The name of a kind of error, which has few values: `error.type`. Never a message, which may quote a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorType {
    name: Cow<'static, str>,
    status_code: Option<Cow<'static, str>>,
}

/// Names an error of a library or an application, or does not know it.
///
/// It is given the error as it came, and asks for its type: `error.downcast_ref::<std::io::Error>()`. An error that
/// nobody names goes by the name of its Rust type.
pub type Classify = fn(&dyn Any) -> Option<ErrorType>;

// === impl ErrorType ===

impl ErrorType {
    /// A kind of error by its name: `timeout`.
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            status_code: None,
        }
    }

    /// An error that the other side has a code for, such as an SQLSTATE; the code is the name too.
    pub fn status(code: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        Self {
            name: code.clone(),
            status_code: Some(code),
        }
    }

    /// `error.type`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The code that the other side answered with, if it did: `db.response.status_code`.
    pub fn status_code(&self) -> Option<&str> {
        self.status_code.as_deref()
    }

    /// What `error` is called by `classify`, or else by its type.
    pub(crate) fn of<E: Any>(error: &E, classify: Option<Classify>) -> Self {
        classify
            .and_then(|classify| classify(error))
            .unwrap_or_else(|| Self::named(std::any::type_name::<E>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_kind(error: &dyn Any) -> Option<ErrorType> {
        let error = error.downcast_ref::<std::io::Error>()?;
        Some(ErrorType::named(error.kind().to_string()))
    }

    #[test]
    fn an_error_is_called_as_its_owner_says_and_otherwise_by_its_type() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(
            ErrorType::of(&refused, Some(by_kind)).name(),
            "connection refused"
        );
        assert_eq!(
            ErrorType::of(&refused, None).name(),
            "std::io::error::Error"
        );
        assert_eq!(ErrorType::of(&"text", Some(by_kind)).name(), "&str");
    }

    #[test]
    fn a_status_code_is_the_name_too() {
        let unique = ErrorType::status("23505");
        assert_eq!(
            (unique.name(), unique.status_code()),
            ("23505", Some("23505"))
        );
        assert_eq!(ErrorType::named("timeout").status_code(), None);
    }
}
