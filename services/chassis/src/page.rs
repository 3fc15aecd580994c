//! Pages of a list: how long they may be.

use crate::failure::Failure;

/// The size of a page whose request names none.
pub const DEFAULT_LIMIT: u32 = 50;

/// The largest page.
pub const MAX_LIMIT: u32 = 200;

/// The size of the page that a request asks for; 0 asks for [`DEFAULT_LIMIT`].
///
/// # Errors
/// `code`, at the field `limit`, when it is more than [`MAX_LIMIT`].
pub fn limit(code: &'static str, requested: u32) -> Result<u32, Failure> {
    match requested {
        0 => Ok(DEFAULT_LIMIT),
        limit if limit <= MAX_LIMIT => Ok(limit),
        limit => Err(Failure::invalid(
            code,
            "limit",
            format!("expected 1 to {MAX_LIMIT}, not {limit}"),
        )),
    }
}
