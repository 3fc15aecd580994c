//! What an error was caused by, whatever type it goes by.

use std::any::Any;
use std::error::Error;
use std::io;
use std::iter;

use crate::layers::exchange::Failure;

/// The error and all that it was caused by, outermost first. Of a type that is not known here there is nothing.
pub(crate) fn causes(failure: &dyn Failure) -> impl Iterator<Item = &(dyn Error + 'static)> {
    iter::successors(outermost(failure), |error: &&(dyn Error + 'static)| {
        (*error).source()
    })
}

/// The error as one of the standard library's. A type that is only known to be `Any` has to be asked for by its name.
fn outermost(failure: &dyn Any) -> Option<&(dyn Error + 'static)> {
    fn of<E: Error + 'static>(failure: &dyn Any) -> Option<&(dyn Error + 'static)> {
        Some(failure.downcast_ref::<E>()?)
    }
    if let Some(boxed) = failure.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return Some(&**boxed);
    }
    of::<tonic::transport::Error>(failure)
        .or_else(|| of::<tonic::Status>(failure))
        .or_else(|| of::<hyper::Error>(failure))
        .or_else(|| of::<io::Error>(failure))
}
