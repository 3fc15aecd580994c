//! In which format, and how compressed, a scrape is answered: what its `Accept` and `Accept-Encoding` headers ask
//! for (RFC 9110, sections 12.5.1 and 12.5.3).

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use super::exposition::Format;

/// One alternative of a header: what is accepted, with its parameters, and how gladly, from 0 to 1.
#[derive(Debug, PartialEq)]
struct Alternative {
    what: String,
    parameters: Vec<(String, String)>,
    quality: f64,
}

/// The format that a client likes best; the text format when it does not say, or likes neither.
pub(crate) fn format(headers: &HeaderMap) -> Format {
    let alternatives = alternatives(headers, &header::ACCEPT);
    let text = liking(&alternatives, ["text/plain", "text/*"], "0.0.4");
    let open_metrics = liking(
        &alternatives,
        ["application/openmetrics-text", "application/*"],
        "1.0.0",
    );
    match (open_metrics, text) {
        // Among equals, the one that says more, if it was asked for by its name.
        (Some((open, NAMED)), Some((plain, _))) if open > 0.0 && open >= plain => {
            Format::OpenMetrics
        }
        (Some((open, _)), plain) if open > plain.map_or(0.0, |(plain, _)| plain) => {
            Format::OpenMetrics
        }
        _ => Format::Text,
    }
}

/// How precisely something was asked for: by its name.
const NAMED: u8 = 2;

/// How gladly a media type in this version is taken, by the most precise alternative that speaks of it.
fn liking(alternatives: &[Alternative], ranges: [&str; 2], version: &str) -> Option<(f64, u8)> {
    alternatives
        .iter()
        .filter_map(|alternative| {
            let precision = if alternative.what == ranges[0] {
                let other = alternative
                    .parameters
                    .iter()
                    .any(|(name, value)| name == "version" && value != version);
                if other {
                    return None;
                }
                NAMED
            } else if alternative.what == ranges[1] {
                1
            } else if alternative.what == "*/*" {
                0
            } else {
                return None;
            };
            Some((alternative.quality, precision))
        })
        .max_by(|(quality, precision), (other_quality, other_precision)| {
            precision
                .cmp(other_precision)
                .then(quality.total_cmp(other_quality))
        })
}

/// The response to a scrape, compressed when that is welcome.
pub(crate) fn answer(headers: &HeaderMap, format: Format, body: String) -> Response<Bytes> {
    let (body, compressed) = match accepts_gzip(headers).then(|| gzip(&body)) {
        Some(Ok(compressed)) => (compressed.into(), true),
        Some(Err(_)) | None => (Bytes::from(body), false),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    headers.insert(
        header::VARY,
        HeaderValue::from_static("accept, accept-encoding"),
    );
    if compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let alternatives = alternatives(headers, &header::ACCEPT_ENCODING);
    let quality = |what: &str| {
        alternatives
            .iter()
            .find(|alternative| alternative.what == what)
            .map(|alternative| alternative.quality)
    };
    quality("gzip")
        .or_else(|| quality("*"))
        .is_some_and(|quality| quality > 0.0)
}

fn gzip(body: &str) -> std::io::Result<Vec<u8>> {
    // Metrics repeat themselves: the fastest level already makes a tenth of them.
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    encoder.write_all(body.as_bytes())?;
    encoder.finish()
}

/// What a list header says; members that make no sense are left out.
fn alternatives(headers: &HeaderMap, name: &HeaderName) -> Vec<Alternative> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(alternative)
        .collect()
}

fn alternative(member: &str) -> Option<Alternative> {
    let mut parts = member.split(';').map(str::trim);
    let what = parts.next().filter(|what| !what.is_empty())?;
    let mut quality = 1.0;
    let mut parameters = Vec::new();
    for part in parts {
        let Some((name, value)) = part.split_once('=') else {
            continue;
        };
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim().trim_matches('"');
        if name == "q" {
            quality = value
                .parse()
                .ok()
                .filter(|quality| (0.0..=1.0).contains(quality))?;
        } else {
            parameters.push((name, value.to_owned()));
        }
    }
    Some(Alternative {
        what: what.to_ascii_lowercase(),
        parameters,
        quality,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn asked(name: &HeaderName, values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_format_is_the_one_that_is_liked_best() {
        use Format::{OpenMetrics, Text};
        for (accept, expected) in [
            (&[][..], Text),
            (&["*/*"], Text),
            (&["text/plain"], Text),
            (&["text/*"], Text),
            (&["application/json"], Text),
            (&["application/openmetrics-text"], OpenMetrics),
            (
                &["Application/OpenMetrics-Text; Version=1.0.0"],
                OpenMetrics,
            ),
            (
                &["application/openmetrics-text; version=\"1.0.0\""],
                OpenMetrics,
            ),
            (
                &["application/openmetrics-text;version=1.0.0;escaping=allow-utf-8"],
                OpenMetrics,
            ),
            // Versions that we do not speak.
            (&["application/openmetrics-text;version=0.0.1"], Text),
            (
                &["application/openmetrics-text;version=2.0.0, */*;q=0.1"],
                Text,
            ),
            // Prometheus 3 and 2 with their defaults.
            (
                &[
                    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                ],
                OpenMetrics,
            ),
            (
                &[
                    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                ],
                OpenMetrics,
            ),
            // Prometheus that was told to prefer the text format.
            (
                &[
                    "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,*/*;q=0.2",
                ],
                Text,
            ),
            // Two header lines are one list.
            (
                &["text/plain;q=0.3", "application/openmetrics-text;q=0.8"],
                OpenMetrics,
            ),
            (&["application/openmetrics-text, text/plain"], OpenMetrics),
            (&["application/*, text/plain;q=0.9"], OpenMetrics),
            (&["application/openmetrics-text;q=0, */*"], Text),
            (&["application/openmetrics-text;q=0"], Text),
            (&["text/plain;q=0, */*;q=0.5"], OpenMetrics),
            (
                &["application/openmetrics-text;q=nonsense, text/plain;q=0.1"],
                Text,
            ),
            (&["application/openmetrics-text;q=7"], Text),
            (&[",;,=;q"], Text),
        ] {
            assert_eq!(
                format(&asked(&header::ACCEPT, accept)),
                expected,
                "{accept:?}"
            );
        }
    }

    #[test]
    fn the_answer_is_compressed_only_when_that_is_welcome() {
        for (accept, compressed) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("", false),
        ] {
            let headers = asked(&header::ACCEPT_ENCODING, &[accept]);
            let response = answer(&headers, Format::OpenMetrics, "# EOF\n".to_owned());
            let encoding = response.headers().get(header::CONTENT_ENCODING);
            assert_eq!(encoding.is_some(), compressed, "{accept}");
            let mut text = String::new();
            if compressed {
                GzDecoder::new(&response.body()[..])
                    .read_to_string(&mut text)
                    .unwrap();
            } else {
                text = String::from_utf8(response.body().to_vec()).unwrap();
            }
            assert_eq!(text, "# EOF\n");
            assert_eq!(
                response.headers()[header::CONTENT_TYPE],
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            );
        }
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(value in "[ -~]{0,80}") {
            let headers = asked(&header::ACCEPT, &[&value]);
            format(&headers);
            accepts_gzip(&headers);
        }
    }
}
