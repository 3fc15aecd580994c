//! A task that is spawned and goes on in the trace, as a span of its own.

use std::task::Poll;
use std::time::Duration;

use conformance::Ending;
use telemetry::context::{self, SavedContext};

use super::malformed_text;
use crate::cell::{Expected, Parent};
use crate::stage::{Stage, begun, work};

/// How long the task of the cell that times out may take: longer than it takes the work to begin.
const PATIENCE: Duration = Duration::from_millis(300);

pub async fn play(stage: &Stage, ending: Ending) {
    let spawn = || {
        let span = tracing::info_span!("task");
        context::spawn_in(span, work(ending))
    };
    if ending == Ending::Malformed {
        // What a row says of a context cannot be read: the task starts a trace of its own.
        let read = SavedContext::from_text(&malformed_text());
        let task = {
            let _attached = read.to_context().attach();
            spawn()
        };
        task.await.unwrap().unwrap();
        return;
    }
    let mut task = stage
        .caller(ending, std::future::poll_fn(|_| Poll::Ready(spawn())))
        .await;
    match ending {
        Ending::Cancel => {
            begun().await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        Ending::TimeOut => {
            assert!(tokio::time::timeout(PATIENCE, &mut task).await.is_err());
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        Ending::Panic => assert!(task.await.unwrap_err().is_panic()),
        // What a task returns is its caller's to judge.
        Ending::Error => assert!(task.await.unwrap().is_err()),
        _ => task.await.unwrap().unwrap(),
    }
}

pub fn expected(ending: Ending) -> Vec<Expected> {
    let work = Expected::child("internal work", "internal task");
    if ending == Ending::Malformed {
        return vec![Expected::new("internal task", Parent::Nobody), work];
    }
    let task = Expected::child("internal task", "internal root");
    let task = match ending {
        Ending::Panic => task.has("error.type", "panic").fails(),
        Ending::Cancel | Ending::TimeOut => task.has("error.type", "cancelled"),
        _ => task,
    };
    vec![Expected::new("internal root", Parent::Nobody), task, work]
}
