//! Requests on schedule, whatever becomes of them, measured from when they were meant to start.

use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::Instant;

/// Per second.
pub const RATE: u32 = 300;
/// A request that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(10);

/// Sends to one service.
#[derive(Debug, Clone)]
pub struct Load {
    client: Client<HttpConnector, Empty<Bytes>>,
    port: u16,
}

/// What became of the requests of a while.
#[derive(Debug, Clone, Default)]
pub struct Window {
    pub sent: u64,
    pub failed: u64,
    /// Sorted.
    latencies: Vec<Duration>,
}

// === impl Load ===

impl Load {
    pub fn to(port: u16) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            port,
        }
    }

    /// Sends for so long, and waits for the last answers.
    pub async fn run(&self, duration: Duration) -> Window {
        let began = Instant::now();
        let count = (duration.as_secs_f64() * f64::from(RATE)) as u32;
        let requests: Vec<_> = (0..count)
            .map(|number| {
                let load = self.clone();
                let intended = began + Duration::from_secs(1) / RATE * number;
                tokio::spawn(async move {
                    tokio::time::sleep_until(intended).await;
                    let answered = tokio::time::timeout(LIMIT, load.request(number)).await;
                    (answered == Ok(true), intended.elapsed())
                })
            })
            .collect();
        let mut window = Window::default();
        for request in requests {
            let (answered, latency) = request.await.unwrap();
            window.sent += 1;
            window.failed += u64::from(!answered);
            window.latencies.push(latency);
        }
        window.latencies.sort_unstable();
        window
    }

    async fn request(&self, dish: u32) -> bool {
        let uri: Uri = format!("http://127.0.0.1:{}/dishes/{dish}", self.port)
            .parse()
            .unwrap();
        match self.client.get(uri).await {
            Ok(response) => {
                response.status().is_success() && response.into_body().collect().await.is_ok()
            }
            Err(_) => false,
        }
    }
}

// === impl Window ===

impl Window {
    /// The 99th percentile of its latencies, failures among them.
    pub fn p99(&self) -> Duration {
        let rank = self.latencies.len() * 99 / 100;
        self.latencies[rank.min(self.latencies.len() - 1)]
    }
}
