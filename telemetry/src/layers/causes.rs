//! Why an exchange failed, by the causes of its error: what `error.type` says of it.

use std::any::Any;
use std::error::Error;
use std::io;

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

/// An error as an exchange is told of it.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// The error's own text, which may quote secrets.
    pub(crate) text: &'a str,
    pub(crate) cause: Option<Cause>,
}

/// Why an exchange failed, where that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// No answer came in time.
    Timeout,
    /// Nobody listens on the port.
    ConnectionRefused,
    /// The connection was closed by the other side.
    ConnectionReset,
    /// There is no route to the host or its network.
    Unreachable,
    /// The host's name has no address.
    NameResolution,
    /// The TLS handshake failed, or a certificate is not trusted.
    Tls,
    /// The other side has cancelled the stream (HTTP/2 CANCEL).
    Cancelled,
}

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
    fn cause(error: &E) -> Option<Cause>;
}

/// An exchange that can tell why a body failed with an `E`.
pub trait BodyErrors<E> {
    /// Why, as far as the error shows it.
    fn cause(error: &E) -> Option<Cause>;
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

// === impl Failure ===

impl Failure<'_> {
    /// `error.type`, or what it is when the cause is not known.
    pub(crate) fn error_type(&self, otherwise: &'static str) -> &'static str {
        self.cause.map_or(otherwise, Cause::as_str)
    }
}

// === impl Cause ===

impl Cause {
    /// As `error.type` has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionReset => "connection_reset",
            Self::Unreachable => "unreachable",
            Self::NameResolution => "name_resolution_error",
            Self::Tls => "tls_error",
            Self::Cancelled => "cancelled",
        }
    }

    /// The first cause that is known, from the error itself to the root.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        for _ in 0..DEEPEST {
            let error = next?;
            let io = error.downcast_ref::<io::Error>();
            if let Some(cause) = Self::of_one(error, io) {
                return Some(cause);
            }
            // The error that an I/O error was made from is not among its sources.
            let inner = io.and_then(io::Error::get_ref);
            next = match inner {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        None
    }

    /// The cause of an error of a type that is not known to be one: of those that gRPC clients meet.
    #[cfg(feature = "grpc")]
    pub(crate) fn of_any<E: Any>(error: &E) -> Option<Self> {
        let error: &dyn Any = error;
        let known = None
            .or_else(
                || Some(&**error.downcast_ref::<Box<dyn Error + Send + Sync>>()? as &dyn Error),
            )
            .or_else(|| typed::<tonic::transport::Error>(error))
            .or_else(|| typed::<tonic::Status>(error))
            .or_else(|| typed::<hyper_util::client::legacy::Error>(error))
            .or_else(|| typed::<hyper::Error>(error))
            .or_else(|| typed::<io::Error>(error));
        Self::of(known?)
    }

    fn of_one(error: &(dyn Error + 'static), io: Option<&io::Error>) -> Option<Self> {
        if let Some(io) = io {
            return Self::of_io(io);
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return error.is_timeout().then_some(Self::Timeout);
        }
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let is_cancelled = error.is_remote() && error.reason() == Some(h2::Reason::CANCEL);
            return is_cancelled.then_some(Self::Cancelled);
        }
        if error.is::<rustls::Error>() {
            return Some(Self::Tls);
        }
        if error.is::<tokio::time::error::Elapsed>() {
            return Some(Self::Timeout);
        }
        Self::of_text(&error.to_string())
    }

    fn of_io(error: &io::Error) -> Option<Self> {
        Some(match error.kind() {
            io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::ConnectionRefused => Self::ConnectionRefused,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::ConnectionReset,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown => Self::Unreachable,
            // The kind of a failed look-up has no name.
            _ => return Self::of_text(&error.to_string()),
        })
    }

    fn of_text(text: &str) -> Option<Self> {
        if TIMEOUTS.contains(&text) {
            Some(Self::Timeout)
        } else if UNRESOLVED.iter().any(|known| text.starts_with(known)) {
            Some(Self::NameResolution)
        } else {
            None
        }
    }
}

#[cfg(feature = "grpc")]
fn typed<T: Error + 'static>(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    error.downcast_ref::<T>().map(|error| error as &dyn Error)
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
            (io::ErrorKind::TimedOut, Some(Cause::Timeout)),
            (
                io::ErrorKind::ConnectionRefused,
                Some(Cause::ConnectionRefused),
            ),
            (io::ErrorKind::ConnectionReset, Some(Cause::ConnectionReset)),
            (io::ErrorKind::BrokenPipe, Some(Cause::ConnectionReset)),
            (io::ErrorKind::HostUnreachable, Some(Cause::Unreachable)),
            (io::ErrorKind::NetworkUnreachable, Some(Cause::Unreachable)),
            (io::ErrorKind::InvalidData, None),
        ] {
            let error = wrapped("client error", wrapped("connect", io::Error::from(kind)));
            assert_eq!(Cause::of(&error), cause, "{kind}");
        }
    }

    #[test]
    fn the_error_within_an_io_error_is_looked_at_too() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = io::Error::other(wrapped("outer", io::Error::other(refused)));
        assert_eq!(Cause::of(&error), Some(Cause::ConnectionRefused));
        let tls = rustls::Error::General("x".to_owned());
        let error = io::Error::new(io::ErrorKind::InvalidData, tls);
        assert_eq!(Cause::of(&error), Some(Cause::Tls));
    }

    #[test]
    fn timeouts_and_failed_look_ups_of_private_types_are_known_by_their_whole_text() {
        for (text, cause) in [
            ("operation timed out", Some(Cause::Timeout)),
            ("request timed out", Some(Cause::Timeout)),
            ("dns error", Some(Cause::NameResolution)),
            (
                "failed to lookup address information: Name or service not known",
                Some(Cause::NameResolution),
            ),
            ("GET /?q=operation timed out", None),
            ("no such order", None),
        ] {
            assert_eq!(Cause::of(&wrapped("client error", text)), cause, "{text}");
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
        assert_eq!(Cause::of(&Circle), None);
    }

    #[test]
    fn errors_are_read_whether_they_are_boxed_or_not() {
        fn cause<M>(error: &impl AsError<M>) -> Option<Cause> {
            Cause::of(error.as_error())
        }
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let boxed: Box<dyn Error + Send + Sync> = wrapped("outer", refused()).into();
        assert_eq!(cause(&refused()), Some(Cause::ConnectionRefused));
        assert_eq!(cause(&boxed), Some(Cause::ConnectionRefused));
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn the_errors_that_a_grpc_client_meets_are_read() {
        let timeout = || tonic::Status::from_error(Box::new(tonic::TimeoutExpired(())));
        assert_eq!(Cause::of_any(&timeout()), Some(Cause::Timeout));
        let boxed: Box<dyn Error + Send + Sync> = timeout().into();
        assert_eq!(Cause::of_any(&boxed), Some(Cause::Timeout));
        assert_eq!(Cause::of_any(&"text"), None);
    }
}
