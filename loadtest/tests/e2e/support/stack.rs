//! Access to the running stack.

use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use chassis::platform::Service;
use loadtest::admin::{Admin, MetricsFormat};
use loadtest::client::{CallError, Gateway, Reply};
use loadtest::endpoints;
use loadtest::jaeger::Jaeger;
use loadtest::seed::{self, Accounts, Credentials};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::processes;

/// Maximum time from the kill of a process until its replacement is ready.
const RESTART_LIMIT: Duration = Duration::from_mins(1);

/// The runtime of all tests. Pooled connections belong to the runtime that opened them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built")
});

static ACCOUNTS: OnceCell<Accounts> = OnceCell::const_new();

/// Clients of the running stack.
pub(crate) struct Stack {
    /// The gateway.
    pub(crate) gateway: Gateway,
    /// Jaeger.
    pub(crate) jaeger: Jaeger,
}

/// Runs a test against the stack, which must be up. Tests run one at a time, also those of other test processes, since
/// some of them kill services.
pub(crate) fn run<T, F: Future<Output = T>>(test: impl FnOnce(Stack) -> F) -> T {
    let lock = File::create(state_folder().join("e2e.lock")).expect("the stack has a folder");
    lock.lock().expect("the lock can be taken");
    RUNTIME.block_on(async {
        let stack = Stack {
            gateway: Gateway::new(&endpoints::gateway()).expect("an address"),
            jaeger: Jaeger::new(endpoints::JAEGER).expect("an address"),
        };
        for service in Service::ALL {
            let up = tokio::time::timeout(RESTART_LIMIT, wait_until_ready(service)).await;
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
    /// The accounts of the seed, logged in.
    pub(crate) async fn accounts(&self) -> &Accounts {
        ACCOUNTS
            .get_or_init(async || {
                seed::create(&self.gateway, &credentials())
                    .await
                    .expect("the seed can be created")
            })
            .await
    }
}

/// The folder of the native stack's files.
pub(crate) fn state_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.stack")
}

/// The folder in which a file arms the fault point that it is named after.
pub(crate) fn fault_folder() -> PathBuf {
    std::env::var_os("BIDTRACE_FAULTS").map_or_else(|| state_folder().join("faults"), PathBuf::from)
}

/// The credentials in the environment, or else in the file that `make up` has written.
pub(crate) fn credentials() -> Credentials {
    let file = std::fs::read_to_string(state_folder().join("credentials.env")).unwrap_or_default();
    Credentials::from_lookup(|name| {
        std::env::var(name).ok().or_else(|| {
            file.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        })
    })
}

/// Asks repeatedly until there is a value.
///
/// # Panics
/// After `limit`, with `what` was waited for.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    limit: Duration,
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    const POLL_INTERVAL: Duration = Duration::from_millis(50);
    let until = Instant::now() + limit;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < until, "{what}: not within {limit:?}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits until a service is ready.
pub(crate) async fn wait_until_ready(service: Service) {
    let admin = Admin::new(service).expect("an address");
    eventually(
        RESTART_LIMIT,
        &format!("{} ready", service.name()),
        || async { admin.ready().await.ok() },
    )
    .await;
}

/// The metrics of a service.
pub(crate) async fn metrics(service: Service, format: MetricsFormat) -> String {
    let admin = Admin::new(service).expect("an address");
    let text = admin.metrics(format).await;
    text.unwrap_or_else(|error| panic!("{}: {error}", service.name()))
}

/// Waits until every service has exported its ended spans, so that a kill loses none of them.
pub(crate) async fn wait_until_exported() {
    for service in Service::ALL {
        eventually(
            RESTART_LIMIT,
            &format!("{} has exported", service.name()),
            || async {
                let text = metrics(service, MetricsFormat::Prometheus).await;
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

/// Waits until the supervisor has replaced the process with this id and the new one is ready.
pub(crate) async fn wait_until_replaced(service: Service, old: i32) {
    eventually(
        RESTART_LIMIT,
        &format!("a new {}", service.name()),
        || async { processes::process_of(service).filter(|pid| *pid != old) },
    )
    .await;
    wait_until_ready(service).await;
}

/// The result of the last attempt, and the traces of all attempts that got a response.
pub(crate) struct Retried<T> {
    pub(crate) result: Result<Reply<T>, CallError>,
    pub(crate) traces: Vec<String>,
}

/// Sends a request, and again after a failure or when it is rate-limited. Other refusals are not retried.
pub(crate) async fn retry<T, F: Future<Output = Result<Reply<T>, CallError>>>(
    mut send: impl FnMut() -> F,
) -> Retried<T> {
    let mut traces = Vec::new();
    let until = Instant::now() + RESTART_LIMIT;
    loop {
        let result = send().await;
        match &result {
            Ok(reply) => traces.push(reply.trace_id.clone()),
            Err(CallError::Refused { trace_id, .. }) => traces.push(trace_id.clone()),
            Err(CallError::Transport(_)) => {}
        }
        let is_retried = result
            .as_ref()
            .is_err_and(|error| error.is_failure() || error.is_rate_limited());
        if !is_retried || Instant::now() >= until {
            return Retried { result, traces };
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl<T> Retried<T> {
    /// The successful reply.
    pub(crate) fn expect(self, what: &str) -> Reply<T> {
        self.result
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}
