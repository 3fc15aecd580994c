//! Jaeger's remote sampling: polling the strategy of this service.
//!
//! The SDK's own remote sampler does not do: it cannot read a rate-limiting strategy as Jaeger sends it, ignores the
//! minimum of each operation, takes a mutex for every span, and speaks HTTP only.
//!
//! The poller has a thread and a runtime of its own, so that it works under any runtime of the host, and neither can block
//! the other.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use super::strategy::Strategy;
use crate::metrics::signals::TelemetrySamplingFetches;
use crate::settings::RootSampler;
use client::{Client, FetchError};
use wire::StrategyResponse;

mod client;
mod wire;

/// The longest interval until there is a first strategy, since the collector may start later than this process.
const FIRST_AGAIN: Duration = Duration::from_secs(5);

/// Polls the strategy until it is dropped.
#[derive(Debug)]
pub(crate) struct Poller {
    _stop: oneshot::Sender<()>,
}

struct Polling {
    client: Client,
    interval: Duration,
    strategy: Arc<ArcSwap<Strategy>>,
    current: Option<StrategyResponse>,
    failing: bool,
}

// === impl Poller ===

impl Poller {
    /// Starts to poll the strategy of `service` at the endpoint of the settings. When no thread can be started, a warning is
    /// logged and the initial strategy stays.
    pub(super) fn start(
        root: &RootSampler,
        service: &str,
        strategy: Arc<ArcSwap<Strategy>>,
    ) -> Option<Self> {
        let RootSampler::JaegerRemote {
            endpoint,
            polling_interval,
            ..
        } = root
        else {
            return None;
        };
        let polling = Polling {
            client: Client::new(endpoint, service),
            interval: *polling_interval,
            strategy,
            current: None,
            failing: false,
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("telemetry-sampler".to_owned())
            .spawn(move || polling.run(stopped));
        match thread {
            Ok(_) => Some(Self { _stop: stop }),
            Err(error) => {
                tracing::warn!(target: "telemetry", %error, "sampling strategies are not polled: cannot start a thread");
                None
            }
        }
    }
}

// === impl Polling ===

impl Polling {
    fn run(mut self, stopped: oneshot::Receiver<()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::warn!(target: "telemetry", %error, "sampling strategies are not polled: cannot start a runtime");
                return;
            }
        };
        runtime.block_on(async {
            tokio::select! {
                // The sender was dropped.
                _ = stopped => {}
                () = self.poll() => {}
            }
        });
        // A plain shutdown would wait for a name lookup in progress.
        runtime.shutdown_background();
    }

    async fn poll(&mut self) {
        loop {
            let outcome = self.ask().await;
            TelemetrySamplingFetches {
                error_type: outcome.as_ref().err().map(FetchError::kind),
            }
            .add(1);
            match outcome {
                Ok(()) => self.recover(),
                Err(error) => self.fail(&error),
            }
            let pause = if self.current.is_none() {
                self.interval.min(FIRST_AGAIN)
            } else {
                self.interval
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Fetches the strategy. An unchanged one is not replaced, so that its token buckets keep their state.
    async fn ask(&mut self) -> Result<(), FetchError> {
        let response = self.client.fetch().await?;
        if self.current.as_ref() != Some(&response) {
            self.strategy.store(Arc::new(response.to_strategy()?));
            tracing::info!(target: "telemetry", strategy = %response, "a new sampling strategy is in use");
            self.current = Some(response);
        }
        Ok(())
    }

    fn recover(&mut self) {
        if std::mem::take(&mut self.failing) {
            tracing::info!(target: "telemetry", "sampling strategies can be fetched again");
        }
    }

    /// Logs the first failure in a row. The last strategy stays in use.
    fn fail(&mut self, error: &FetchError) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                target: "telemetry",
                %error,
                endpoint = %self.client,
                "cannot fetch the sampling strategy; the last one stays in use"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use axum::Router;
    use axum::extract::{RawQuery, State};
    use axum::routing::{get, post};
    use http::StatusCode;
    use opentelemetry::trace::TraceId;
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::{Request, Response, Status};
    use tonic_prost::ProstCodec;

    use super::wire::{METHOD, Probabilistic, StrategyParameters};
    use super::*;
    use crate::trace::sampling::ratio::Ratio;

    const LIMIT: Duration = Duration::from_secs(20);

    /// What a Jaeger of the test serves, and how often it was asked.
    #[derive(Clone, Default)]
    struct Served {
        share: Arc<ArcSwap<Option<f64>>>,
        asked: Arc<AtomicUsize>,
    }

    impl Served {
        fn serve(&self, share: impl Into<Option<f64>>) {
            self.share.store(Arc::new(share.into()));
        }

        fn answer(&self) -> Option<f64> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            **self.share.load()
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }

        async fn http(&self) -> String {
            async fn sampling(
                State(served): State<Served>,
                RawQuery(query): RawQuery,
            ) -> Result<String, StatusCode> {
                assert_eq!(query.as_deref(), Some("service=kitchen"));
                let share = served.answer().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
                Ok(format!(
                    "{{\"strategyType\":\"PROBABILISTIC\",\"probabilisticSampling\":{{\"samplingRate\":{share}}}}}"
                ))
            }
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/sampling", listener.local_addr().unwrap());
            let router = Router::new()
                .route("/sampling", get(sampling))
                .with_state(self.clone());
            tokio::spawn(async move { axum::serve(listener, router).await });
            url
        }

        async fn grpc(&self) -> String {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let served = self.clone();
            let method = async move |request: http::Request<axum::body::Body>| {
                let answer = tower::service_fn(move |asked: Request<StrategyParameters>| {
                    let served = served.clone();
                    async move {
                        assert_eq!(asked.into_inner().service_name, "kitchen");
                        let share = served.answer().ok_or(Status::unavailable("gone"))?;
                        Ok(Response::new(StrategyResponse {
                            probabilistic_sampling: Some(Probabilistic {
                                sampling_rate: share,
                            }),
                            ..StrategyResponse::default()
                        }))
                    }
                });
                let codec = ProstCodec::<StrategyResponse, StrategyParameters>::default();
                tonic::server::Grpc::new(codec).unary(answer, request).await
            };
            let routes = Router::new().route(METHOD, post(method));
            tokio::spawn(
                tonic::transport::Server::builder()
                    .add_routes(routes.into())
                    .serve_with_incoming(TcpListenerStream::new(listener)),
            );
            url
        }
    }

    fn start(url: &str) -> (Poller, Arc<ArcSwap<Strategy>>) {
        let strategy = Arc::new(ArcSwap::from_pointee(Strategy::Probabilistic(Ratio::new(
            0.0,
        ))));
        let root = RootSampler::JaegerRemote {
            endpoint: url.parse().unwrap(),
            polling_interval: Duration::from_millis(5),
            initial_ratio: 0.0,
        };
        let poller = Poller::start(&root, "kitchen", Arc::clone(&strategy)).unwrap();
        (poller, strategy)
    }

    fn samples(strategy: &ArcSwap<Strategy>) -> bool {
        let id = TraceId::from_bytes([0xff; 16]);
        strategy.load().samples(id, "x", || 0)
    }

    async fn until(what: &str, holds: impl Fn() -> bool) {
        let started = Instant::now();
        while !holds() {
            assert!(started.elapsed() < LIMIT, "{what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn follows(served: Served, url: String) {
        served.serve(1.0);
        let (poller, strategy) = start(&url);
        until("the first strategy", || samples(&strategy)).await;
        served.serve(0.0);
        until("the next strategy", || !samples(&strategy)).await;
        served.serve(1.0);
        until("the one after", || samples(&strategy)).await;

        served.serve(None);
        let asked = served.asked();
        until("further questions", || served.asked() > asked + 2).await;
        assert!(samples(&strategy), "the last strategy stays");

        // The poller's thread holds one, until it has ended.
        assert_eq!(Arc::strong_count(&strategy), 2);
        drop(poller);
        until("the thread's end", || Arc::strong_count(&strategy) == 1).await;
    }

    #[tokio::test]
    async fn strategies_are_followed_over_http() {
        let served = Served::default();
        let url = served.http().await;
        follows(served, url).await;
    }

    #[tokio::test]
    async fn strategies_are_followed_over_grpc() {
        let served = Served::default();
        let url = served.grpc().await;
        follows(served, url).await;
    }

    #[tokio::test]
    async fn a_strategy_that_has_not_changed_is_not_begun_anew() {
        let served = Served::default();
        served.serve(1.0);
        let url = served.http().await;
        let (_poller, strategy) = start(&url);
        until("the first strategy", || samples(&strategy)).await;
        let first = strategy.load_full();
        let asked = served.asked();
        until("further questions", || served.asked() > asked + 2).await;
        assert!(Arc::ptr_eq(&first, &strategy.load_full()));
    }

    #[tokio::test]
    async fn nobody_there_leaves_the_initial_strategy_and_ends_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // Accepts into its backlog and never answers.
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (poller, strategy) = start(&url);
        assert!(!samples(&strategy));
        drop(poller);
        until("the thread's end", || Arc::strong_count(&strategy) == 1).await;
    }
}
