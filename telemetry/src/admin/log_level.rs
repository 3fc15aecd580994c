//! `/log-level`: shows and changes the log level.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use serde::Serialize;
use tokio::time::Instant;

use super::{Answer, json, not_allowed, text};
use crate::logs::{Directives, Levels};

/// Maximum size of a list of directives, in bytes.
const BODY_SIZE: usize = 4096;

/// Time-out for the body of a request.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum duration of a temporary change.
const LONGEST: Duration = Duration::from_hours(24);

/// The current log level.
#[derive(Serialize)]
struct Shown {
    directives: String,
    configured: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    configured_again_in_seconds: Option<u64>,
}

/// Why a change is rejected.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the directives are longer than {BODY_SIZE} bytes")]
    TooLong,
    #[error("the request body ended before a log directive was received")]
    Missing,
    #[error("the directives are not text in UTF-8")]
    Binary,
    #[error(
        "{0:?} is no duration; expected a number of seconds, minutes or hours such as 90s, 10m or 2h, up to 24h"
    )]
    Duration(String),
    #[error("{0:?} is not known; only for=DURATION is")]
    Parameter(String),
    #[error(transparent)]
    Directives(#[from] crate::logs::InvalidDirectives),
}

pub(super) async fn answer<B>(levels: &Levels, request: Request<B>, may_change: bool) -> Answer
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match *request.method() {
        Method::GET | Method::HEAD => show(levels),
        Method::PUT | Method::DELETE if !may_change => text(
            StatusCode::FORBIDDEN,
            "the log level is changed from the machine itself",
        ),
        Method::PUT => match change(levels, request).await {
            Ok(()) => show(levels),
            Err(refusal @ Refusal::TooLong) => text(StatusCode::PAYLOAD_TOO_LARGE, refusal),
            Err(refusal @ Refusal::Missing) => text(StatusCode::REQUEST_TIMEOUT, refusal),
            Err(refusal) => text(StatusCode::BAD_REQUEST, refusal),
        },
        Method::DELETE => {
            levels.restore();
            tracing::info!(directives = %levels.configured(), "the log level is the configured one");
            show(levels)
        }
        _ => not_allowed("GET, HEAD, PUT, DELETE"),
    }
}

async fn change<B>(levels: &Levels, request: Request<B>) -> Result<(), Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let lasting = lasting(request.uri().query().unwrap_or_default())?;
    let body = Limited::new(request.into_body(), BODY_SIZE).collect();
    let body = match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Refusal::TooLong),
        Ok(Err(_)) | Err(_) => return Err(Refusal::Missing),
    };
    let body = std::str::from_utf8(&body).map_err(|_| Refusal::Binary)?;
    let directives: Directives = body.trim().parse()?;
    let shown = directives.to_string();
    levels.change(directives, lasting);
    tracing::info!(
        directives = shown,
        seconds = lasting.map(|lasting| lasting.as_secs()),
        "the log level is changed"
    );
    Ok(())
}

fn show(levels: &Levels) -> Answer {
    let now = levels.in_force();
    let left = |until: Instant| until.saturating_duration_since(Instant::now());
    json(
        StatusCode::OK,
        &Shown {
            directives: now.directives.to_string(),
            configured: levels.configured().to_string(),
            configured_again_in_seconds: now.until.map(|until| left(until).as_secs()),
        },
    )
}

/// The value of `for`, the only parameter.
fn lasting(query: &str) -> Result<Option<Duration>, Refusal> {
    let mut lasting = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let value = pair
            .strip_prefix("for=")
            .ok_or_else(|| Refusal::Parameter(pair.to_owned()))?;
        lasting = Some(duration(value).ok_or_else(|| Refusal::Duration(value.to_owned()))?);
    }
    Ok(lasting)
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
    Some(Duration::from_secs(seconds))
        .filter(|duration| digits && !duration.is_zero() && *duration <= LONGEST)
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test]
    async fn whoever_may_not_change_the_level_may_see_it() {
        let levels = Levels::new(Directives::default());
        for (method, status) in [("GET", 200), ("PUT", 403), ("DELETE", 403), ("POST", 405)] {
            let body = Full::<&[u8]>::from("debug".as_bytes());
            let request = Request::builder().method(method).body(body).unwrap();
            let answer = answer(&levels, request, false).await;
            assert_eq!(answer.status().as_u16(), status, "{method}");
        }
        let now = levels.in_force().directives.to_string();
        assert_eq!(now, Directives::default().to_string());
    }

    #[test]
    fn a_change_lasts_for_good_or_for_a_number_of_seconds_minutes_or_hours() {
        assert_eq!(lasting("").unwrap(), None);
        for (query, seconds) in [("for=90s", 90), ("for=10m", 600), ("for=24h", 86400)] {
            assert_eq!(lasting(query).unwrap(), Some(Duration::from_secs(seconds)));
        }
        for query in [
            "for=",
            "for=m",
            "for=10",
            "for=0s",
            "for=-1s",
            "for=+1s",
            "for=1.5h",
            "for=25h",
            "for=1000000000000000000h",
            "for=10é",
            "until=10m",
            "for=10m&x=1",
        ] {
            assert!(lasting(query).is_err(), "{query}");
        }
    }
}
