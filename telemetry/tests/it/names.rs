//! Names that come with data, in processes of their own: each process has as many as it may.

use std::convert::Infallible;

use telemetry::context::SavedContext;
use telemetry::db::{Pool, Target, observe};
use telemetry::messaging::{Consumer, Delivery, Destination, Message, process, publish};

use crate::child;
use crate::harness::{has_line, metrics_text, run, spans, traced};

async fn send(name: &str) {
    let message = Message::to(Destination::new("nats", name));
    publish(message, &SavedContext::default(), async |_| {
        Ok::<_, Infallible>(())
    })
    .await
    .unwrap();
}

#[test]
fn subjects_that_strangers_choose_end_in_one_series_and_leave_the_others_theirs() {
    child::run("names::child_sends_to_many_subjects", &[]);
}

#[test]
#[ignore = "a child"]
fn child_sends_to_many_subjects() {
    run(async {
        send("orders").await;
        for guess in 0..2000 {
            let (name, group) = (format!("guess.{guess}"), format!("group-{guess}"));
            send(&name).await;
            let consumer = Consumer::of(Destination::new("nats", &name)).group(&group);
            process(Delivery::to(consumer), async || Ok::<_, Infallible>(()))
                .await
                .unwrap();
        }
        let (trace, ()) = traced(async {
            send("guess.2000").await;
            send("orders").await;
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let names: Vec<_> = spans.iter().map(|span| span.name().to_owned()).collect();
        assert!(names.contains(&"send".to_owned()), "{names:?}");
        assert!(names.contains(&"send orders".to_owned()), "{names:?}");
        let further = spans.iter().find(|span| span.name() == "send").unwrap();
        // The attribute of a span is no label.
        assert_eq!(
            further.attribute("messaging.destination.name"),
            "guess.2000"
        );
        let text = metrics_text();
        let sent = "messaging_client_sent_messages_total{";
        let series = text.lines().filter(|line| line.starts_with(sent));
        assert_eq!(series.count(), 201);
        for destination in ["_OTHER", "orders"] {
            let label = format!("messaging_destination_name=\"{destination}\"");
            assert!(has_line(&[sent, &label]), "{destination}");
        }
        assert!(has_line(&["messaging_consumer_group_name=\"_OTHER\""]));
        assert!(!has_line(&["messaging", "otel_metric_overflow"]));
    });
}

#[test]
fn statements_that_are_put_together_while_the_program_runs_end_in_one_series() {
    child::run("names::child_makes_many_statements", &[]);
}

#[test]
#[ignore = "a child"]
fn child_makes_many_statements() {
    run(async {
        let shop = Target::new("sqlite");
        let ask = async |sql: String| {
            observe(shop.statement(sql.leak()).text(), async {
                Ok::<_, Infallible>(())
            })
            .await
            .unwrap();
        };
        ask("SELECT a FROM dishes".to_owned()).await;
        for tenant in 0..6000 {
            ask(format!("SELECT a FROM tenant_{tenant}")).await;
            Pool::new(&format!("pool-{tenant}"), 1).observe(1, 0);
        }
        let (trace, ()) = traced(ask("SELECT a FROM tenant_6000".to_owned())).await;
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = spans.iter().find(|span| span.name() != "root").unwrap();
        assert_eq!(span.name(), "sqlite");
        assert_eq!(span.attribute("db.query.summary"), "_OTHER");
        let text = metrics_text();
        let count = "db_client_operation_duration_seconds_count{";
        let series = text.lines().filter(|line| line.starts_with(count));
        assert_eq!(series.count(), 501);
        assert!(has_line(&[count, "db_query_summary=\"SELECT dishes\""]));
        assert!(has_line(&["db_client_connection_pool_name=\"_OTHER\""]));
        assert!(!has_line(&["db_client", "otel_metric_overflow"]));
    });
}
