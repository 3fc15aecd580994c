//! A receiver of webhooks with scripted responses.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
    posts: watch::Receiver<Vec<Post>>,
}

/// A request that the receiver got.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) id: String,
    pub(crate) traceparent: String,
    pub(crate) body: Value,
}

#[derive(Clone)]
struct Shared {
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
    posts: Arc<watch::Sender<Vec<Post>>>,
}

impl Receiver {
    /// Responds with `answers` one after the other, then with 200.
    pub(crate) async fn answering(answers: &[StatusCode]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (sender, posts) = watch::channel(Vec::new());
        let shared = Shared {
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
            posts: Arc::new(sender),
        };
        let answers = shared.answers.clone();
        let router = Router::new().route("/hook", post(take)).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://{address}/hook"),
            answers,
            posts,
        }
    }

    /// Waits until `count` requests have arrived, and returns them.
    pub(crate) async fn posts(&self, count: usize) -> Vec<Post> {
        let mut posts = self.posts.clone();
        let arrived = posts.wait_for(|posts| posts.len() >= count);
        let arrived = tokio::time::timeout(crate::support::TIME_OUT, arrived).await;
        arrived
            .expect("they arrive in time")
            .expect("a receiver")
            .clone()
    }

    pub(crate) fn answers_left(&self) -> usize {
        self.answers.lock().expect("nobody panicked").len()
    }
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let post = Post {
        id: header("webhook-id"),
        traceparent: header("traceparent"),
        body: serde_json::from_str(&body).expect("JSON"),
    };
    shared.posts.send_modify(|posts| posts.push(post));
    let next = shared.answers.lock().expect("nobody panicked").pop_front();
    next.unwrap_or(StatusCode::OK)
}
