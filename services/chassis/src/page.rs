//! The sizes of the pages of lists.

use crate::failure::Failure;

/// The bounds of a page's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize {
    /// The size when a request names none.
    pub default: u32,
    /// The largest size.
    pub max: u32,
}

impl PageSize {
    /// Lists over the gateway's HTTP API.
    pub const HTTP: Self = Self {
        default: 50,
        max: 100,
    };

    /// Lists over the services' gRPC contracts.
    pub const GRPC: Self = Self {
        default: 50,
        max: 200,
    };

    /// The restaurants that the catalog finds for an auction.
    pub const ELIGIBLE_RESTAURANTS: Self = Self {
        default: 100,
        max: 1_000,
    };

    /// The requested size, or the default.
    ///
    /// # Errors
    /// `code`, at the field `limit`, when it is zero or above the maximum.
    pub fn checked(self, code: &'static str, requested: Option<u32>) -> Result<u32, Failure> {
        let limit = requested.unwrap_or(self.default);
        if (1..=self.max).contains(&limit) {
            return Ok(limit);
        }
        Err(Failure::invalid(
            code,
            "limit",
            format!("expected 1 to {}", self.max),
        ))
    }

    /// The requested size or the default, and never more than the maximum.
    pub fn clamped(self, requested: Option<u32>) -> u32 {
        requested.unwrap_or(self.default).min(self.max)
    }
}

/// The size in a gRPC message, where 0 means that the field is not set.
pub fn requested(limit: u32) -> Option<u32> {
    (limit > 0).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::{PageSize, requested};

    const SIZE: PageSize = PageSize {
        default: 50,
        max: 200,
    };

    #[test]
    fn a_size_that_is_not_requested_is_the_default() {
        assert_eq!(requested(0), None);
        assert_eq!(SIZE.checked("test.bad_limit", None).expect("valid"), 50);
        assert_eq!(SIZE.clamped(None), 50);
    }

    #[test]
    fn a_size_out_of_bounds_is_refused_with_the_bounds() {
        for limit in [0, 201, u32::MAX] {
            let failure = SIZE
                .checked("test.bad_limit", Some(limit))
                .expect_err("out of bounds");
            assert_eq!(failure.code, "test.bad_limit");
            assert_eq!(failure.field.as_deref(), Some("limit"));
            assert_eq!(failure.message, "expected 1 to 200");
        }
        assert_eq!(
            SIZE.checked("test.bad_limit", Some(200)).expect("valid"),
            200
        );
    }

    #[test]
    fn a_clamped_size_is_never_above_the_maximum() {
        assert_eq!(SIZE.clamped(Some(7)), 7);
        assert_eq!(SIZE.clamped(Some(u32::MAX)), 200);
    }
}
