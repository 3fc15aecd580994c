//! The notifications of an event: their recipients and texts.

use std::collections::BTreeSet;

use api::events::{
    Amount, AuctionAwarded, AuctionEnded, AuctionOpened, AwardRevoked, Event, OrderConfirmed,
    OrderFailed,
};
use chassis::Failure;
use chassis::broker::Received;
use chassis::clock::Millis;
use chassis::page::PageSize;

/// The maximum number of restaurants that are notified of an auction.
pub const MAX_RECIPIENTS: usize = PageSize::ELIGIBLE_RESTAURANTS.max as usize;

/// The maximum length of a name in a text, in characters.
const MAX_NAME: usize = 80;

/// Currencies without a minor unit.
const CURRENCIES_WITHOUT_MINOR_UNIT: [&str; 6] = ["CLP", "ISK", "JPY", "KRW", "UGX", "VND"];

/// A notification before it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The recipient's account.
    pub account_id: String,
    /// The kind of event, such as `order.confirmed`.
    pub kind: &'static str,
    /// The auction, award or order that it is about. An account gets one notification per kind and subject.
    pub subject_id: String,
    /// The auction that it belongs to.
    pub auction_id: String,
    /// The text, for people.
    pub text: String,
}

/// The notices of an event. An event with another subject has none.
///
/// # Errors
/// `event.malformed`.
pub fn notices(event: &Received) -> Result<Vec<Notice>, Failure> {
    if let Some(event) = event.event::<AuctionOpened>()? {
        return Ok(opened(&event));
    }
    if let Some(event) = event.event::<AuctionAwarded>()? {
        return Ok(awarded(&event));
    }
    if let Some(event) = event.event::<AwardRevoked>()? {
        return Ok(revoked(&event));
    }
    if let Some(event) = event.event::<AuctionEnded>()? {
        return Ok(ended(&event));
    }
    if let Some(event) = event.event::<OrderConfirmed>()? {
        return Ok(confirmed(&event));
    }
    if let Some(event) = event.event::<OrderFailed>()? {
        return Ok(failed(&event));
    }
    Ok(Vec::new())
}

/// The kind of an event, from its subject.
fn kind<E: Event>() -> &'static str {
    E::SUBJECT.strip_prefix("events.").unwrap_or(E::SUBJECT)
}

fn notice<E: Event>(account_id: &str, subject_id: &str, auction_id: &str, text: String) -> Notice {
    Notice {
        account_id: account_id.to_owned(),
        kind: kind::<E>(),
        subject_id: subject_id.to_owned(),
        auction_id: auction_id.to_owned(),
        text,
    }
}

fn opened(event: &AuctionOpened) -> Vec<Notice> {
    let until = time_of_day(event.deadline_ms);
    let tell = |account_id: &str, text: String| {
        let id = &event.auction_id;
        notice::<AuctionOpened>(account_id, id, id, text)
    };
    let restaurants: BTreeSet<&String> = event
        .eligible_account_ids
        .iter()
        .filter(|account| **account != event.customer_account_id)
        .collect();
    let count = restaurants.len();
    let plural = if count == 1 { "" } else { "s" };
    let customer = tell(
        &event.customer_account_id,
        format!("Auction open: {count} restaurant{plural} may bid until {until}"),
    );
    std::iter::once(customer)
        .chain(
            restaurants
                .into_iter()
                .take(MAX_RECIPIENTS)
                .map(|account| tell(account, format!("New auction near you: bid until {until}"))),
        )
        .collect()
}

fn awarded(event: &AuctionAwarded) -> Vec<Notice> {
    let price = amount(&event.price);
    let tell = |account_id: &str, text: String| {
        notice::<AuctionAwarded>(account_id, &event.award_id, &event.auction_id, text)
    };
    let name = name(&event.restaurant_name);
    vec![
        tell(
            &event.customer_account_id,
            format!("Auction awarded: {name}, {price}"),
        ),
        tell(
            &event.restaurant_account_id,
            format!("Your bid won: {price}"),
        ),
    ]
}

fn revoked(event: &AwardRevoked) -> Vec<Notice> {
    let text = format!("Award revoked: {}", reason(&event.reason));
    let tell = |account_id: &str| {
        notice::<AwardRevoked>(account_id, &event.award_id, &event.auction_id, text.clone())
    };
    vec![
        tell(&event.customer_account_id),
        tell(&event.restaurant_account_id),
    ]
}

fn ended(event: &AuctionEnded) -> Vec<Notice> {
    let text = match event.outcome.as_str() {
        "expired" => "Auction expired: no restaurant bid",
        "closed" => "Auction closed by an administrator",
        "failed" => "Auction failed: no award could be settled",
        _ => "Auction ended without an award",
    };
    let id = &event.auction_id;
    vec![notice::<AuctionEnded>(
        &event.customer_account_id,
        id,
        id,
        text.to_owned(),
    )]
}

fn confirmed(event: &OrderConfirmed) -> Vec<Notice> {
    let paid = amount(&event.paid);
    let tell = |account_id: &str, text: String| {
        notice::<OrderConfirmed>(account_id, &event.order_id, &event.auction_id, text)
    };
    let name = name(&event.restaurant_name);
    vec![
        tell(
            &event.customer_account_id,
            format!("Order confirmed: {name}, {paid}"),
        ),
        tell(
            &event.restaurant_account_id,
            format!("Order confirmed: {paid} paid"),
        ),
    ]
}

fn failed(event: &OrderFailed) -> Vec<Notice> {
    let text = format!("Order failed: {}", reason(&event.reason));
    let tell = |account_id: &str| {
        notice::<OrderFailed>(account_id, &event.order_id, &event.auction_id, text.clone())
    };
    vec![
        tell(&event.customer_account_id),
        tell(&event.restaurant_account_id),
    ]
}

/// The text for the stable code of a reason.
fn reason(code: &str) -> &'static str {
    match code {
        "payment.unavailable" => "the payment provider did not answer",
        code if code.starts_with("payment.") => "the payment was declined",
        "reward.unavailable" => "coupons and points could not be reached",
        code if code.starts_with("reward.") => "the coupon or the points could not be used",
        _ => "it could not be settled",
    }
}

/// A name for a text, truncated and without control characters.
fn name(name: &str) -> String {
    name.chars()
        .filter(|character| !character.is_control())
        .take(MAX_NAME)
        .collect()
}

/// An amount for a text, such as `18,500 KRW` or `12.50 USD`.
fn amount(amount: &Amount) -> String {
    let units = amount.amount_minor.unsigned_abs();
    let sign = if amount.amount_minor < 0 { "-" } else { "" };
    let (whole, minor) = if CURRENCIES_WITHOUT_MINOR_UNIT.contains(&amount.currency.as_str()) {
        (units, String::new())
    } else {
        (units / 100, format!(".{:02}", units % 100))
    };
    format!("{sign}{}{minor} {}", grouped(whole), amount.currency)
}

/// A number with thousands separators.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time of day for a text, such as `18:05:09 UTC`.
fn time_of_day(at: Millis) -> String {
    let seconds = at.div_euclid(1000).rem_euclid(24 * 60 * 60);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02} UTC", seconds % 60)
}

#[cfg(test)]
mod tests {
    use api::events::{Amount, AuctionOpened, Event, OrderConfirmed};
    use chassis::broker::Received;
    use proptest::prelude::*;

    use super::{MAX_RECIPIENTS, amount, grouped, notices, opened, time_of_day};

    fn won(amount_minor: i64, currency: &str) -> Amount {
        Amount {
            amount_minor,
            currency: currency.to_owned(),
        }
    }

    fn auction(eligible_account_ids: Vec<String>) -> AuctionOpened {
        AuctionOpened {
            auction_id: "auction".to_owned(),
            customer_account_id: "customer".to_owned(),
            eligible_account_ids,
            deadline_ms: 1_000,
        }
    }

    #[test]
    fn amounts_are_written_as_people_do() {
        assert_eq!(amount(&won(18_500, "KRW")), "18,500 KRW");
        assert_eq!(amount(&won(1_234_567, "KRW")), "1,234,567 KRW");
        assert_eq!(amount(&won(1_205, "USD")), "12.05 USD");
        assert_eq!(amount(&won(-5, "USD")), "-0.05 USD");
    }

    #[test]
    fn the_time_of_day_is_read_off_unix_milliseconds() {
        assert_eq!(time_of_day(1_763_688_909_123), "01:35:09 UTC");
    }

    #[test]
    fn customer_and_restaurant_are_told_of_a_confirmed_order() {
        let event = OrderConfirmed {
            order_id: "order".to_owned(),
            auction_id: "auction".to_owned(),
            award_id: "award".to_owned(),
            customer_account_id: "customer".to_owned(),
            restaurant_account_id: "restaurant".to_owned(),
            restaurant_name: "한강치킨".to_owned(),
            paid: won(18_500, "KRW"),
        };
        let received = Received {
            subject: OrderConfirmed::SUBJECT.to_owned(),
            message_id: "id".to_owned(),
            body: serde_json::to_vec(&event).expect("JSON"),
        };
        let notices = notices(&received).expect("an event of ours");
        let told: Vec<_> = notices
            .iter()
            .map(|notice| {
                (
                    notice.account_id.as_str(),
                    notice.kind,
                    notice.text.as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (
                    "customer",
                    "order.confirmed",
                    "Order confirmed: 한강치킨, 18,500 KRW"
                ),
                (
                    "restaurant",
                    "order.confirmed",
                    "Order confirmed: 18,500 KRW paid"
                ),
            ]
        );
    }

    #[test]
    fn an_opened_auction_is_told_to_each_restaurant_once_and_to_so_many() {
        let mut accounts: Vec<String> = (0..1500).map(|index| format!("r{index}")).collect();
        accounts.extend(accounts.clone());
        accounts.push("customer".to_owned());
        let notices = opened(&auction(accounts));
        assert_eq!(notices.len(), 1 + MAX_RECIPIENTS);
        let recipients: std::collections::HashSet<_> =
            notices.iter().map(|notice| &notice.account_id).collect();
        assert_eq!(recipients.len(), notices.len());
    }

    #[test]
    fn an_event_that_nobody_knows_concerns_nobody() {
        let received = Received {
            subject: "events.auction.renamed".to_owned(),
            message_id: "id".to_owned(),
            body: b"?".to_vec(),
        };
        assert_eq!(notices(&received).expect("no refusal"), []);
    }

    proptest! {
        #[test]
        fn grouping_only_adds_commas(number: u64) {
            let text = grouped(number);
            prop_assert_eq!(text.replace(',', ""), number.to_string());
            let groups: Vec<&str> = text.split(',').collect();
            prop_assert!((1..=3).contains(&groups[0].len()));
            prop_assert!(groups[1..].iter().all(|group| group.len() == 3));
        }
    }
}
