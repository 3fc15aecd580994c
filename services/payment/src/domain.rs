//! What the provider is asked for, and how it decides: by the payment method's token, as real providers' sandboxes do.

use api::events::Amount;
use chassis::Failure;
use chassis::money::Money;
use serde::Deserialize;

/// The longest reference, group, token or key.
pub const MAX_TEXT: usize = 128;

/// The body of a request for an authorisation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The merchant's name for what is paid, such as its order's id.
    pub reference: String,
    /// What belongs together for the merchant, such as an auction: see [`Behaviour::DeclineOnce`].
    #[serde(default)]
    pub group: String,
    /// How much.
    pub amount: Amount,
    /// The token of the customer's payment method.
    pub payment_method: String,
}

/// A request that is well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// As in [`Request::reference`].
    pub reference: String,
    /// As in [`Request::group`].
    pub group: String,
    /// As in [`Request::amount`].
    pub amount: Money,
    /// As in [`Request::payment_method`].
    pub payment_method: String,
}

/// What a payment method does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// `tok_ok`: authorises.
    Authorise,
    /// `tok_declined`, and every token that is not known: declines.
    Decline,
    /// `tok_declined_once`: declines the first authorisation of a group and authorises later ones.
    DeclineOnce,
    /// `tok_stall`: the first try under a key is answered long after its caller has given up, later ones at once.
    Stall,
    /// `tok_flaky`: the first try under a key fails with 503.
    Flaky,
}

/// What one try comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The money is set aside.
    Authorise,
    /// It is not, for good.
    Decline,
    /// No answer for now; the next try gets one.
    Stall,
    /// A failure for now; the next try gets an answer.
    Fail,
}

// === impl Request ===

impl Request {
    /// The request, when every field is within its bounds.
    ///
    /// # Errors
    /// Names the field at fault and what would be right.
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
    /// What the payment method behind `token` does.
    pub fn of(token: &str) -> Self {
        match token {
            "tok_ok" => Self::Authorise,
            "tok_declined_once" => Self::DeclineOnce,
            "tok_stall" => Self::Stall,
            "tok_flaky" => Self::Flaky,
            _ => Self::Decline,
        }
    }

    /// Decides a try. `first_try` is whether it is the first under its key, `declined_before` whether an earlier
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
