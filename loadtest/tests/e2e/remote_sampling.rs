//! A service with remote sampling follows the strategies that Jaeger serves, also when they change.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use chassis::platform::Service;
use chassis::testing::Process;
use http::{HeaderMap, Method};
use loadtest::transport::{HttpResponse, Transport};
use serde_json::{Value, json};

use crate::support::stack;

/// The loopback address of the test's own Jaeger, on which nothing else listens.
const HOST: &str = "127.0.0.77";

/// Maximum time until a change of the file takes effect.
const CHANGE_LIMIT: Duration = Duration::from_secs(20);

const LOOK_UP: &str = "GET /v1/authorisations/{id}";
const VOID: &str = "POST /v1/authorisations/{id}/void";

/// A Jaeger process. It is killed when this is dropped.
struct Jaeger(Child);

#[test]
fn a_service_follows_the_strategies_of_each_operation_while_they_change() {
    stack::run(async |_| {
        let folder = tempfile::tempdir().expect("a folder");
        let strategies = folder.path().join("strategies.json");
        // Over gRPC, as in the specification, and over HTTP.
        for endpoint in [
            format!("http://{HOST}:5779"),
            format!("http://{HOST}:5778/sampling"),
        ] {
            serve(&strategies, &only(LOOK_UP));
            let _jaeger = Jaeger::start(&strategies).await;
            let database = format!("sqlite://{}?mode=rwc", folder.path().join("p.db").display());
            let argument =
                format!("endpoint={endpoint},pollingIntervalMs=100,initialSamplingRate=0");
            let payment = Process::start(
                Service::Payment,
                &program("payment"),
                &[
                    ("BIDTRACE_DATABASE_URL", database.as_str()),
                    ("OTEL_SDK_DISABLED", "false"),
                    (
                        "OTEL_EXPORTER_OTLP_ENDPOINT",
                        &format!("http://{HOST}:4317"),
                    ),
                    ("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote"),
                    ("OTEL_TRACES_SAMPLER_ARG", &argument),
                ],
            )
            .await;
            wait_until_sampled(&payment, &[LOOK_UP]).await;
            serve(&strategies, &only(VOID));
            wait_until_sampled(&payment, &[VOID]).await;
            let all = json!({ "default_strategy": { "type": "probabilistic", "param": 1 } });
            serve(&strategies, &all);
            wait_until_sampled(&payment, &[LOOK_UP, VOID]).await;
        }
    });
}

/// Calls each operation until exactly the `wanted` ones are sampled.
async fn wait_until_sampled(payment: &Process, wanted: &[&str]) {
    let what = format!("sampling of {wanted:?}");
    stack::eventually(CHANGE_LIMIT, &what, || async {
        (sampled(payment).await == wanted).then_some(())
    })
    .await;
}

/// Calls each operation and returns those that were sampled.
async fn sampled(payment: &Process) -> Vec<&'static str> {
    let mut sampled = Vec::new();
    for operation in [LOOK_UP, VOID] {
        let before = started(payment).await;
        call(payment, operation).await;
        if started(payment).await > before {
            sampled.push(operation);
        }
    }
    sampled
}

async fn call(payment: &Process, operation: &str) {
    let (method, route) = operation.split_once(' ').expect("METHOD ROUTE");
    let path = route.replace("{id}", "00000000-0000-0000-0000-000000000000");
    let method: Method = method.parse().expect("a method");
    Transport::new(&payment.url, Duration::from_secs(5))
        .expect("an address")
        .send(method, &path, HeaderMap::new(), Bytes::new())
        .await
        .expect("a response");
}

/// The number of sampled spans that the service has started.
async fn started(payment: &Process) -> u64 {
    let text = payment.get("/metrics").await.expect("metrics");
    text.lines()
        .find_map(|line| line.strip_prefix("otel_sdk_span_started_total "))
        .expect("it counts its spans")
        .parse()
        .expect("a number")
}

/// Strategies that sample every request of this operation and none of any other.
fn only(operation: &str) -> Value {
    json!({
        "default_strategy": { "type": "probabilistic", "param": 0 },
        "service_strategies": [{
            "service": "payment", "type": "probabilistic", "param": 0,
            "operation_strategies": [{ "operation": operation, "type": "probabilistic", "param": 1 }],
        }],
    })
}

/// Replaces the file atomically.
fn serve(strategies: &Path, content: &Value) {
    let new = strategies.with_extension("new");
    std::fs::write(&new, content.to_string()).expect("written");
    std::fs::rename(&new, strategies).expect("renamed");
}

/// The path of the program that the stack runs as this process.
fn program(name: &str) -> String {
    let path = stack::state_folder().join("supervisord.conf");
    let conf = std::fs::read_to_string(path).expect("the stack's configuration");
    let (_, section) = conf
        .split_once(&format!("[program:{name}]\ncommand=\""))
        .expect("its section");
    let (program, _) = section.split_once('"').expect("its program");
    program.replace("%%", "%")
}

// === impl Jaeger ===

impl Jaeger {
    async fn start(strategies: &Path) -> Self {
        let configuration =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/jaeger/config.yaml");
        let child = Command::new(program("jaeger"))
            .arg("--config")
            .arg(configuration)
            .arg("--set=extensions.remote_sampling.file.reload_interval=100ms")
            .env("JAEGER_LISTEN_HOST", HOST)
            .env("JAEGER_SAMPLING_STRATEGIES", strategies)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let jaeger = Self(child);
        let health = Transport::new(&format!("http://{HOST}:13133"), Duration::from_secs(2));
        let health = health.expect("an address");
        stack::eventually(Duration::from_mins(1), "a Jaeger", || async {
            health
                .get("/status")
                .await
                .and_then(HttpResponse::success)
                .ok()
        })
        .await;
        jaeger
    }
}

impl Drop for Jaeger {
    fn drop(&mut self) {
        // Fails if it has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
