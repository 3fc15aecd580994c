//! The running stack, as the tests reach it.

use crate::processes;
use bytes::Bytes;
use chassis::platform::Service;
use http::{HeaderMap, HeaderValue, Method, header};
use loadtest::{
    client::{CallError, Gateway, Reply},
    jaeger::Jaeger,
    seed::{self, Cast, Credentials},
    transport::Transport,
};
use std::{
    fs::File,
    future::Future,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};
use tokio::{runtime::Runtime, sync::OnceCell, time::Instant};

/// Where the gateway listens.
pub(crate) const GATEWAY: &str = "http://127.0.0.1:8080";
/// Where Jaeger answers queries.
pub(crate) const JAEGER: &str = "http://127.0.0.1:16686";

/// How long anything that was killed may take to be back.
const BACK: Duration = Duration::from_mins(1);

/// Connections belong to the runtime that opened them, so every test runs on this one.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built")
});

static CAST: OnceCell<Cast> = OnceCell::const_new();

/// The stack.
pub(crate) struct Stack {
    /// Its edge.
    pub(crate) gateway: Gateway,
    /// Its traces.
    pub(crate) jaeger: Jaeger,
}

/// Runs a test against the stack, which must be up. One at a time, also beside another run of the tests: a service that
/// one test kills is missed by all.
pub(crate) fn run<T, F: Future<Output = T>>(test: impl FnOnce(Stack) -> F) -> T {
    let turn = File::create(state().join("e2e.lock")).expect("the stack has a folder");
    turn.lock().expect("the turn comes");
    RUNTIME.block_on(async {
        let stack = Stack {
            gateway: Gateway::new(GATEWAY).expect("an address"),
            jaeger: Jaeger::new(JAEGER).expect("an address"),
        };
        for service in Service::ALL {
            let up = tokio::time::timeout(BACK, ready(service)).await;
            assert!(
                up.is_ok(),
                "{} is not ready: the stack must be up (make up LOAD=0)",
                service.name()
            );
        }
        test(stack).await
    })
}

impl Stack {
    /// The accounts and restaurants of the seed, logged in.
    pub(crate) async fn cast(&self) -> &Cast {
        CAST.get_or_init(async || {
            seed::plant(&self.gateway, &credentials())
                .await
                .expect("the seed grows")
        })
        .await
    }
}

/// Where the native stack keeps what it writes.
pub(crate) fn state() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.stack")
}

/// The folder that arms fault points.
pub(crate) fn faults() -> PathBuf {
    std::env::var_os("BIDTRACE_FAULTS").map_or_else(|| state().join("faults"), PathBuf::from)
}

/// What the environment says, or else the file that `make up` has written.
pub(crate) fn credentials() -> Credentials {
    let file = std::fs::read_to_string(state().join("credentials.env")).unwrap_or_default();
    Credentials::from_lookup(|name| {
        std::env::var(name).ok().or_else(|| {
            file.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        })
    })
}

/// Asks until there is an answer that will do, or gives up with what was waited for.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    limit: Duration,
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    const AGAIN: Duration = Duration::from_millis(50);
    let until = Instant::now() + limit;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < until, "{what}: not within {limit:?}");
        tokio::time::sleep(AGAIN).await;
    }
}

/// Waits until a service says that it is ready.
pub(crate) async fn ready(service: Service) {
    eventually(BACK, &format!("{} ready", service.name()), || {
        ask(service, "/readyz", "*/*")
    })
    .await;
}

/// What a service has measured, in the form that is accepted.
pub(crate) async fn metrics(service: Service, accept: &'static str) -> String {
    let answer = ask(service, "/metrics", accept).await;
    answer.unwrap_or_else(|| panic!("{} has no metrics", service.name()))
}

/// Waits until every service has exported the spans that have ended: what is killed then takes none of them with it.
pub(crate) async fn exported() {
    for service in Service::ALL {
        eventually(
            BACK,
            &format!("{} has exported", service.name()),
            || async {
                let text = metrics(service, "text/plain").await;
                let waiting = |name: &str| {
                    text.lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
                        .unwrap_or_else(|| panic!("{} has no {name}", service.name()))
                };
                let nothing = waiting("otel_sdk_processor_span_queue_size") == "0"
                    && waiting("otel_sdk_exporter_span_inflight") == "0";
                nothing.then_some(())
            },
        )
        .await;
    }
}

/// The good answer of a service's admin port, if there is one.
async fn ask(service: Service, path: &str, accept: &'static str) -> Option<String> {
    let address = format!("http://127.0.0.1:{}", service.admin_port());
    let admin = Transport::new(&address, Duration::from_secs(5)).expect("an address");
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    let answer = admin.send(Method::GET, path, headers, Bytes::new()).await;
    let answer = answer.ok().filter(|answer| answer.status.is_success())?;
    Some(String::from_utf8_lossy(&answer.body).into_owned())
}

/// Waits until the supervisor has replaced the process that had this id, and the new one is ready.
pub(crate) async fn replaced(service: Service, old: i32) {
    eventually(BACK, &format!("a new {}", service.name()), || async {
        processes::process_of(service).filter(|pid| *pid != old)
    })
    .await;
    ready(service).await;
}

/// What was answered at last, with the trace of every attempt that had one.
pub(crate) struct Persisted<T> {
    pub(crate) outcome: Result<Reply<T>, CallError>,
    pub(crate) traces: Vec<String>,
}

/// Sends the same request until it is decided: accidents are tried again, refusals are not.
pub(crate) async fn persist<T, F: Future<Output = Result<Reply<T>, CallError>>>(
    mut send: impl FnMut() -> F,
) -> Persisted<T> {
    let mut traces = Vec::new();
    let until = Instant::now() + BACK;
    loop {
        let outcome = send().await;
        match &outcome {
            Ok(reply) => traces.push(reply.trace_id.clone()),
            Err(CallError::Refused { trace_id, .. }) => traces.push(trace_id.clone()),
            Err(CallError::Transport(_)) => {}
        }
        let accident = outcome.as_ref().is_err_and(|error| {
            error.is_failure() || error.problem().is_some_and(|problem| problem.status == 429)
        });
        if !accident || Instant::now() >= until {
            return Persisted { outcome, traces };
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl<T> Persisted<T> {
    /// The good answer.
    pub(crate) fn expect(self, what: &str) -> Reply<T> {
        self.outcome
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}
