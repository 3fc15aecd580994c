//! A service's program, started by a test on free ports.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, Uri};
use rustix::process::{Pid, Signal, kill_process};
use uuid::Uuid;

use crate::http_client::HttpClient;
use crate::platform::{Service, VARIABLE_PREFIX};

/// The time-out for a program to become ready, and to end.
const TIME_OUT: Duration = Duration::from_secs(20);
/// How often its state is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A running program. It is killed when this is dropped.
pub struct Process {
    child: Child,
    /// The URL of its main port.
    pub url: String,
    admin: SocketAddr,
    log: File,
    client: HttpClient,
}

impl Process {
    /// Starts `program` (a test's `env!("CARGO_BIN_EXE_...")`) with these environment variables and with the export of
    /// telemetry disabled, and waits until it is ready.
    ///
    /// # Panics
    /// With the program's log, when it is not ready within the time-out.
    pub async fn start(service: Service, program: &str, variables: &[(&str, &str)]) -> Self {
        let (listen, admin) = (free_address(), free_address());
        let log = tempfile::tempfile().expect("a file for the log");
        let output = || Stdio::from(log.try_clone().expect("a second handle of the log"));
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            // The variables of the tests' own environment are not for this program.
            if name.to_string_lossy().starts_with(VARIABLE_PREFIX) {
                command.env_remove(name);
            }
        }
        let child = command
            .env("BIDTRACE_LISTEN", listen.to_string())
            .env("BIDTRACE_ADMIN_LISTEN", admin.to_string())
            .env("OTEL_SDK_DISABLED", "true")
            .env("BIDTRACE_STRICT", "true")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
        let mut process = Self {
            child,
            url: format!("http://{listen}"),
            admin,
            log,
            client: HttpClient::new(Duration::from_secs(2)),
        };
        let started = Instant::now();
        while process.get("/readyz").await.is_none() {
            let ended = process.child.try_wait().expect("the program's state");
            assert!(
                ended.is_none() && started.elapsed() < TIME_OUT,
                "{} is not ready ({ended:?}):\n{}",
                service.name(),
                process.log()
            );
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        process
    }

    /// The body of a successful GET of `path` on the admin port.
    ///
    /// # Panics
    /// When `path` is not a path.
    pub async fn get(&self, path: &str) -> Option<String> {
        let uri: Uri = format!("http://{}{path}", self.admin)
            .parse()
            .expect("a path");
        let answer = self
            .client
            .send(Method::GET, uri, HeaderMap::new(), "")
            .await
            .ok()?;
        answer
            .status
            .is_success()
            .then(|| String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// Kills it with SIGKILL.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }

    /// Stops it with SIGTERM, as a supervisor does, and returns its exit status.
    ///
    /// # Panics
    /// With the program's log, when it does not end within the time-out.
    pub async fn stop(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("signalled");
        let ended = self.ended().await;
        ended.unwrap_or_else(|| panic!("it does not stop:\n{}", self.log()))
    }

    /// Waits until it ends by itself, for example at a fault point, and returns its exit status.
    ///
    /// # Panics
    /// With the program's log, when it does not end within the time-out.
    pub async fn wait(mut self) -> ExitStatus {
        let ended = self.ended().await;
        ended.unwrap_or_else(|| panic!("it does not end:\n{}", self.log()))
    }

    /// Its output so far.
    ///
    /// # Panics
    /// When the output cannot be read.
    pub fn log(&mut self) -> String {
        let mut text = String::new();
        self.log.rewind().expect("the log's beginning");
        self.log.read_to_string(&mut text).expect("a log of text");
        text
    }

    async fn ended(&mut self) -> Option<ExitStatus> {
        let started = Instant::now();
        while started.elapsed() < TIME_OUT {
            if let Some(status) = self.child.try_wait().expect("the program's state") {
                return Some(status);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A free port below the system's range of ephemeral ports, in which any connection may take one at any time.
fn free_address() -> SocketAddr {
    const PORTS: std::ops::Range<u16> = 20_000..32_000;
    loop {
        // The last bits of a version 7 UUID are random.
        let [.., high, low] = *Uuid::now_v7().as_bytes();
        let offset = u16::from_be_bytes([high, low]) % (PORTS.end - PORTS.start);
        let address = SocketAddr::from(([127, 0, 0, 1], PORTS.start + offset));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
