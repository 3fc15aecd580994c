use std::sync::{Arc, Mutex};

use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};
use proptest::prelude::*;
use serde_json::{Value, json};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use super::*;

struct Lines {
    format: LogFormat,
    lines: Arc<Mutex<Vec<u8>>>,
}

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let span = SpanContext::new(
            TraceId::from(0xabc),
            SpanId::from(0xdef),
            TraceFlags::SAMPLED,
            true,
            TraceState::NONE,
        );
        let origin = Origin::of_event(event.metadata());
        let put = |line: &[u8]| self.lines.lock().unwrap().extend_from_slice(line);
        compose(
            self.format,
            "kitchen",
            &origin,
            Some(&span),
            put,
            |fields| {
                event.record(fields);
            },
        );
    }
}

fn lines(format: LogFormat, log: impl FnOnce()) -> String {
    let lines = Arc::default();
    let layer = Lines {
        format,
        lines: Arc::clone(&lines),
    };
    // As in the tests of adopters: a second subscriber has `tracing` ask both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
    let lines = lines.lock().unwrap().clone();
    String::from_utf8(lines).unwrap()
}

fn json_line(log: impl FnOnce()) -> Value {
    let text = lines(LogFormat::Json, log);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_field_is_there_once_with_its_last_value() {
    let log = || {
        tracing::info!(
            a = 1,
            dish = "soup",
            a = "2",
            level = "x",
            attributes.level = "y",
            a = true,
            b = 1,
            "twice"
        );
    };
    let text = lines(LogFormat::Json, log);
    for name in ["\"a\":", "\"attributes.level\":"] {
        assert_eq!(text.matches(name).count(), 1, "{text}");
    }
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (
            &line["a"],
            &line["dish"],
            &line["b"],
            &line["attributes.level"]
        ),
        (&json!(true), &json!("soup"), &json!(1), &json!("y"))
    );
    let text = lines(LogFormat::Text, log);
    assert!(
        text.contains("twice dish=\"soup\" attributes.level=\"y\" a=true b=1 "),
        "{text}"
    );
    let secret = lines(LogFormat::Json, || {
        tracing::info!(password = "hunter2", password = 3, "a secret");
    });
    assert_eq!(secret.matches("password").count(), 1);
    assert!(!secret.contains("hunter2"), "{secret}");
}

proptest! {
    #[test]
    fn fields_are_unique_in_whatever_order_they_come(
        said in prop::collection::vec(("[a-c]{1,2}|level|message", 0..9_u64), 0..12),
    ) {
        let mut expected = std::collections::BTreeMap::new();
        let mut scratch = Scratch::default();
        let mut fields = Fields { format: LogFormat::Json, scratch: &mut scratch };
        for (name, value) in &said {
            fields.json(name, value);
            let prefix = if OWN.contains(&name.as_str()) { ATTRIBUTES } else { "" };
            expected.insert(format!("{prefix}{name}"), *value);
        }
        let text = String::from_utf8(scratch.attributes).unwrap();
        prop_assert_eq!(text.matches(':').count(), expected.len());
        let object = format!("{{{}}}", text.trim_start_matches(','));
        let read: std::collections::BTreeMap<String, u64> = serde_json::from_str(&object).unwrap();
        prop_assert_eq!(read, expected);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(&'static str, #[source] Option<Box<Failed>>);

#[test]
fn a_json_line_has_the_ids_and_the_fields_with_their_types() {
    let mut line = json_line(|| {
        tracing::warn!(left = 2, price = 1.5, open = true, dish.name = "soup", why = ?Some(1), r#type = "x", "low");
    });
    let timestamp = line["timestamp"].take();
    let timestamp = timestamp.as_str().unwrap();
    let shape: String = timestamp
        .chars()
        .map(|char| if char.is_ascii_digit() { '0' } else { char })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
    assert_eq!(
        line,
        json!({
            "timestamp": null, "level": "WARN", "target": module_path!(), "service": "kitchen",
            "trace_id": "00000000000000000000000000000abc", "span_id": "0000000000000def", "trace_flags": "01",
            "message": "low",
            "left": 2, "price": 1.5, "open": true, "dish.name": "soup", "why": "Some(1)", "type": "x",
        })
    );
}

#[test]
fn a_field_never_stands_in_for_one_of_the_line_s_own() {
    let line = json_line(|| tracing::info!(service = "bar", trace_id = 7, "one"));
    assert_eq!(
        (&line["service"], &line["attributes.service"]),
        (&json!("kitchen"), &json!("bar"))
    );
    assert_eq!(line["attributes.trace_id"], 7);
}

#[test]
fn an_error_has_what_caused_it_beside_it() {
    let root = Failed("no route to postgres://a:b@db", None);
    let error = Failed(
        "cannot store",
        Some(Box::new(Failed("no connection", Some(Box::new(root))))),
    );
    let error: &dyn std::error::Error = &error;
    let line = json_line(|| tracing::error!(error, "failed"));
    assert_eq!(line["error"], "cannot store");
    assert_eq!(
        line["error.sources"],
        json!(["no connection", "no route to postgres://REDACTED@db"])
    );
    let alone: &dyn std::error::Error = &Failed("alone", None);
    let line = json_line(|| tracing::error!(error = alone, "failed"));
    assert_eq!(
        (&line["error"], line.get("error.sources")),
        (&json!("alone"), None)
    );
}

#[test]
fn secrets_and_personal_data_are_taken_out_of_either_form() {
    let log = || {
        let error: &dyn std::error::Error =
            &Failed("hunter2", Some(Box::new(Failed("hunter2", None))));
        tracing::info!(
            password = "hunter2", pin.otp = 1_234_567, access_token = ?Some("hunter2"), secret = error,
            url = "http://me:hunter2@host", email = %"minji@example.com", "to x://me:hunter2@host",
        );
    };
    for format in [LogFormat::Json, LogFormat::Text] {
        let text = lines(format, log);
        for secret in ["hunter2", "1234567", "minji"] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
        assert!(text.contains("to x://REDACTED@host"), "{text}");
    }
    assert_eq!(json_line(log)["password"], "REDACTED");
}

#[test]
fn a_readable_line_cannot_be_forged_or_steer_the_terminal() {
    let text = lines(LogFormat::Text, || {
        tracing::info!(why = "a\n\u{1b}[2J", "one\n2026 ERROR two\u{1b}[31m\u{9b}");
    });
    assert_eq!(text.lines().count(), 1);
    assert!(!text.trim_end().chars().any(char::is_control), "{text:?}");
    let ids = " trace_id=00000000000000000000000000000abc span_id=0000000000000def\n";
    assert!(
        text.contains("  INFO telemetry::logs::line::tests one\\n2026"),
        "{text}"
    );
    assert!(text.ends_with(ids), "{text}");
}

#[test]
fn what_is_long_is_cut_and_an_event_with_a_name_alone_says_it() {
    let long = "é".repeat(LONGEST);
    let line = json_line(|| tracing::info!(long, "{long}"));
    for key in ["long", "message"] {
        let text = line[key].as_str().unwrap();
        assert!(text.ends_with('…') && text.len() <= LONGEST + '…'.len_utf8());
    }
    let line = json_line(|| tracing::info!(name: "Span.Dropped", count = 1));
    assert_eq!(line["message"], "Span.Dropped");
    assert_eq!(json_line(|| tracing::info!(count = 1))["message"], "");
}

#[test]
fn a_value_that_logs_while_it_is_shown_leaves_both_lines_whole() {
    struct Chatty;
    impl fmt::Display for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            line::inner();
            f.write_str("outer")
        }
    }
    mod line {
        pub(super) fn inner() {
            let mut scratch = super::SCRATCH.take();
            scratch.message.push_str("inner");
            super::SCRATCH.set(scratch);
        }
    }
    let line = json_line(|| tracing::info!(value = %Chatty, "said"));
    assert_eq!(
        (&line["value"], &line["message"]),
        (&json!("outer"), &json!("said"))
    );
}

#[test]
fn numbers_that_json_has_not_are_texts() {
    let line = json_line(|| {
        tracing::info!(nan = f64::NAN, most = f64::INFINITY, big = u128::MAX, "x");
    });
    assert_eq!(
        (&line["nan"], &line["most"]),
        (&json!("NaN"), &json!("inf"))
    );
    assert_eq!(line["big"], u128::MAX.to_string());
}

proptest! {
    #[test]
    fn any_text_comes_through_a_json_line(text in "\\PC*|[\\x00-\\x7f]{0,40}") {
        prop_assume!(redact::scrub(&text) == text);
        let line = json_line(|| tracing::info!(text, "{text}"));
        prop_assert_eq!((line["text"].as_str(), line["message"].as_str()), (Some(text.as_str()), Some(text.as_str())));
    }
}
