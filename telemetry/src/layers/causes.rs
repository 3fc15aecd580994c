//! Why an exchange failed, by the causes of its error: what `error.type` says of it.

#[cfg(feature = "grpc")]
use std::any::Any;
use std::error::Error;
use std::io;
#[cfg(feature = "grpc")]
use std::iter;

#[cfg(feature = "grpc")]
use crate::layers::exchange::Failure;
use crate::metrics::signals::KnownErrorType;

/// How many causes of an error are looked at.
const DEEPEST: usize = 16;

/// The texts of errors whose types are private to their crates, or to crates that this one does not know.
const TIMEOUTS: [&str; 6] = [
    "Timeout expired",
    "connection timed out",
    "data was not received within the designated timeout",
    "deadline has elapsed",
    "operation timed out",
    "request timed out",
];
const UNRESOLVED: [&str; 2] = ["dns error", "failed to lookup address information"];

/// An error whose causes can be read. `M` tells the implementations apart, and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a `std::error::Error` nor a boxed one",
    note = "the client layers read `error.type` from the causes of an error: map it to an error type, or to `tower::BoxError`"
)]
pub trait AsError<M> {
    /// The error as one of the standard library.
    fn as_error(&self) -> &(dyn Error + 'static);
}

/// For services and bodies whose error implements [`std::error::Error`].
#[derive(Debug, Clone, Copy, Default)]
pub struct TypedErrors;

/// For services and bodies whose error is in a box, as `tower::BoxError` and `anyhow::Error` are.
#[derive(Debug, Clone, Copy, Default)]
pub struct BoxedErrors;

/// An exchange that can tell why a service failed with an `E`.
pub trait ServiceErrors<E> {
    /// Why, as far as the error shows it.
    fn cause(error: &E) -> Option<KnownErrorType>;
}

/// An exchange that can tell why a body failed with an `E`.
pub trait BodyErrors<E> {
    /// Why, as far as the error shows it.
    fn cause(error: &E) -> Option<KnownErrorType>;
}

impl<E: Error + 'static> AsError<TypedErrors> for E {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

impl<E: AsRef<dyn Error + Send + Sync>> AsError<BoxedErrors> for E {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self.as_ref()
    }
}

/// The error and all that it was caused by, outermost first. Of a type that is not known here there is nothing.
#[cfg(feature = "grpc")]
pub(crate) fn causes(failure: &dyn Failure) -> impl Iterator<Item = &(dyn Error + 'static)> {
    iter::successors(outermost(failure), |error: &&(dyn Error + 'static)| {
        (*error).source()
    })
}

/// The first cause that is known, from the error itself to the root.
pub(crate) fn cause_of(error: &(dyn Error + 'static)) -> Option<KnownErrorType> {
    let mut next = Some(error);
    for _ in 0..DEEPEST {
        let error = next?;
        let io = error.downcast_ref::<io::Error>();
        if let Some(cause) = known(error, io) {
            return Some(cause);
        }
        // The error that an I/O error was made from is not among its sources.
        next = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The same of an error of any type: of those that gRPC clients meet.
#[cfg(feature = "grpc")]
pub(crate) fn cause_of_any(failure: &dyn Failure) -> Option<KnownErrorType> {
    cause_of(outermost(failure)?)
}

/// The error as one of the standard library's. A type that is only known to be `Any` has to be asked for by its name.
#[cfg(feature = "grpc")]
fn outermost(failure: &dyn Any) -> Option<&(dyn Error + 'static)> {
    fn of<E: Error + 'static>(failure: &dyn Any) -> Option<&(dyn Error + 'static)> {
        Some(failure.downcast_ref::<E>()?)
    }
    if let Some(boxed) = failure.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return Some(&**boxed);
    }
    of::<tonic::transport::Error>(failure)
        .or_else(|| of::<tonic::Status>(failure))
        .or_else(|| of::<hyper_util::client::legacy::Error>(failure))
        .or_else(|| of::<hyper::Error>(failure))
        .or_else(|| of::<io::Error>(failure))
}

/// What one error says, without its sources.
fn known(error: &(dyn Error + 'static), io: Option<&io::Error>) -> Option<KnownErrorType> {
    if let Some(io) = io {
        return match io.kind() {
            io::ErrorKind::TimedOut => Some(KnownErrorType::Timeout),
            io::ErrorKind::ConnectionRefused => Some(KnownErrorType::ConnectionRefused),
            // The kind of a failed look-up has no name.
            _ => known_text(&io.to_string()),
        };
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return error.is_timeout().then_some(KnownErrorType::Timeout);
    }
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        let is_cancelled = error.is_remote() && error.reason() == Some(h2::Reason::CANCEL);
        return is_cancelled.then_some(KnownErrorType::Cancelled);
    }
    if error.is::<tokio::time::error::Elapsed>() {
        return Some(KnownErrorType::Timeout);
    }
    known_text(&error.to_string())
}

fn known_text(text: &str) -> Option<KnownErrorType> {
    if TIMEOUTS.contains(&text) {
        Some(KnownErrorType::Timeout)
    } else if UNRESOLVED.iter().any(|known| text.starts_with(known)) {
        Some(KnownErrorType::NameNotResolved)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Display, Formatter};

    use super::*;

    /// An error of an application, with or without a cause.
    #[derive(Debug)]
    struct Wrapped(&'static str, Option<Box<dyn Error + Send + Sync>>);

    impl Display for Wrapped {
        fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    fn wrapped(text: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Wrapped {
        Wrapped(text, Some(cause.into()))
    }

    #[test]
    fn an_error_is_told_by_the_kind_of_io_error_that_caused_it() {
        for (kind, cause) in [
            (io::ErrorKind::TimedOut, Some(KnownErrorType::Timeout)),
            (
                io::ErrorKind::ConnectionRefused,
                Some(KnownErrorType::ConnectionRefused),
            ),
            (io::ErrorKind::ConnectionReset, None),
            (io::ErrorKind::InvalidData, None),
        ] {
            let error = wrapped("client error", wrapped("connect", io::Error::from(kind)));
            assert_eq!(cause_of(&error), cause, "{kind}");
        }
    }

    #[test]
    fn the_error_within_an_io_error_is_looked_at_too() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = io::Error::other(wrapped("outer", io::Error::other(refused)));
        assert_eq!(cause_of(&error), Some(KnownErrorType::ConnectionRefused));
    }

    #[test]
    fn timeouts_and_failed_look_ups_of_private_types_are_known_by_their_whole_text() {
        for (text, cause) in [
            ("operation timed out", Some(KnownErrorType::Timeout)),
            ("request timed out", Some(KnownErrorType::Timeout)),
            ("dns error", Some(KnownErrorType::NameNotResolved)),
            (
                "failed to lookup address information: Name or service not known",
                Some(KnownErrorType::NameNotResolved),
            ),
            ("GET /?q=operation timed out", None),
            ("no such order", None),
        ] {
            assert_eq!(cause_of(&wrapped("client error", text)), cause, "{text}");
        }
    }

    #[test]
    fn an_error_of_its_own_cause_is_not_looked_at_for_ever() {
        #[derive(Debug)]
        struct Circle;
        impl Display for Circle {
            fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
                f.write_str("circle")
            }
        }
        impl Error for Circle {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(self)
            }
        }
        assert_eq!(cause_of(&Circle), None);
    }

    #[test]
    fn errors_are_read_whether_they_are_boxed_or_not() {
        fn cause<M>(error: &impl AsError<M>) -> Option<KnownErrorType> {
            cause_of(error.as_error())
        }
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let boxed: Box<dyn Error + Send + Sync> = wrapped("outer", refused()).into();
        assert_eq!(cause(&refused()), Some(KnownErrorType::ConnectionRefused));
        assert_eq!(cause(&boxed), Some(KnownErrorType::ConnectionRefused));
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn the_errors_that_a_grpc_client_meets_are_read() {
        let timeout = || tonic::Status::from_error(Box::new(tonic::TimeoutExpired(())));
        assert_eq!(cause_of_any(&timeout()), Some(KnownErrorType::Timeout));
        let boxed: Box<dyn Error + Send + Sync> = timeout().into();
        assert_eq!(cause_of_any(&boxed), Some(KnownErrorType::Timeout));
        assert_eq!(cause_of_any(&"text"), None);
    }
}
