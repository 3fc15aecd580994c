//! Requests for authorisations, and how the simulated provider decides: by the token of the payment method, as the
//! sandboxes of real providers do.

use api::events::Amount;
use chassis::Failure;
use chassis::money::Money;
use serde::Deserialize;

/// The maximum length of a reference, group, token or key.
pub const MAX_TEXT: usize = 128;

/// The body of a request for an authorisation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The merchant's reference for the payment, such as the order's id.
    pub reference: String,
    /// The group of payments, such as an auction: see [`Behaviour::DeclineOnce`].
    #[serde(default)]
    pub group: String,
    /// The amount.
    pub amount: Amount,
    /// The token of the customer's payment method.
    pub payment_method: String,
}

/// A valid request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// See [`Request::reference`].
    pub reference: String,
    /// See [`Request::group`].
    pub group: String,
    /// See [`Request::amount`].
    pub amount: Money,
    /// See [`Request::payment_method`].
    pub payment_method: String,
}

/// The behaviour of a payment method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// `tok_ok`: authorises.
    Authorise,
    /// `tok_declined` and every unknown token: declines.
    Decline,
    /// `tok_declined_once`: declines the first authorisation of a group and authorises later ones.
    DeclineOnce,
    /// `tok_stall`: the first attempt with a key is answered long after the caller's time-out, later ones immediately.
    Stall,
    /// `tok_flaky`: the first attempt with a key fails with 503.
    Flaky,
}

/// The decision about one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Authorise the payment.
    Authorise,
    /// Decline the payment, permanently.
    Decline,
    /// Delay the answer to this attempt.
    Stall,
    /// Fail this attempt.
    Fail,
}

// === impl Request ===

impl Request {
    /// Validates the request.
    ///
    /// # Errors
    /// The first invalid field.
    pub fn check(self) -> Result<Charge, Failure> {
        Ok(Charge {
            reference: text("reference", self.reference, 1)?,
            group: text("group", self.group, 0)?,
            amount: Money::positive("amount", Some(Money::from(self.amount).into()))?,
            payment_method: text("payment_method", self.payment_method, 1)?,
        })
    }
}

fn text(field: &'static str, value: String, least: usize) -> Result<String, Failure> {
    let length = value.chars().count();
    if (least..=MAX_TEXT).contains(&length) {
        return Ok(value);
    }
    Err(Failure::invalid(
        "payment.bad_length",
        field,
        format!("expected {least} to {MAX_TEXT} characters, not {length}"),
    ))
}

// === impl Behaviour ===

impl Behaviour {
    /// The behaviour of the payment method with this token.
    pub fn of(token: &str) -> Self {
        match token {
            "tok_ok" => Self::Authorise,
            "tok_declined_once" => Self::DeclineOnce,
            "tok_stall" => Self::Stall,
            "tok_flaky" => Self::Flaky,
            _ => Self::Decline,
        }
    }

    /// Decides an attempt. `first_try` is whether it is the first one with its key, `declined_before` whether an earlier
    /// authorisation of the group was declined.
    pub fn decide(self, first_try: bool, declined_before: bool) -> Verdict {
        match self {
            Self::Decline => Verdict::Decline,
            Self::DeclineOnce if !declined_before => Verdict::Decline,
            Self::Stall if first_try => Verdict::Stall,
            Self::Flaky if first_try => Verdict::Fail,
            Self::Authorise | Self::DeclineOnce | Self::Stall | Self::Flaky => Verdict::Authorise,
        }
    }
}

#[cfg(test)]
mod tests {
    use api::events::Amount;

    use super::{Behaviour, Request, Verdict};

    fn request() -> Request {
        Request {
            reference: "order".to_owned(),
            group: String::new(),
            amount: Amount {
                amount_minor: 100,
                currency: "KRW".to_owned(),
            },
            payment_method: "tok_ok".to_owned(),
        }
    }

    #[test]
    fn a_token_that_is_not_known_declines() {
        let verdict = Behaviour::of("tok_of_another_provider").decide(true, false);
        assert_eq!(verdict, Verdict::Decline);
    }

    #[test]
    fn declined_once_declines_only_the_first_of_a_group() {
        let behaviour = Behaviour::of("tok_declined_once");
        assert_eq!(behaviour.decide(true, false), Verdict::Decline);
        assert_eq!(behaviour.decide(true, true), Verdict::Authorise);
    }

    #[test]
    fn what_stalls_or_fails_at_first_authorises_on_the_second_try() {
        for (token, first) in [("tok_stall", Verdict::Stall), ("tok_flaky", Verdict::Fail)] {
            assert_eq!(Behaviour::of(token).decide(true, false), first);
            assert_eq!(
                Behaviour::of(token).decide(false, false),
                Verdict::Authorise
            );
        }
    }

    #[test]
    fn a_field_out_of_bounds_is_named() {
        let empty = Request {
            reference: String::new(),
            ..request()
        };
        let failure = empty.check().expect_err("no reference");
        assert_eq!(failure.field.as_deref(), Some("reference"));
        let long = Request {
            payment_method: "x".repeat(129),
            ..request()
        };
        let failure = long.check().expect_err("too long");
        assert_eq!(failure.field.as_deref(), Some("payment_method"));
        assert!(request().check().is_ok());
    }
}
