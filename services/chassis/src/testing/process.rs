//! A service's real program, started by a test on ports of its own.

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

/// How long a program may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked at.
const POLL: Duration = Duration::from_millis(20);

/// A running program. It is killed when this is dropped.
pub struct Process {
    child: Child,
    /// Where its callers find it.
    pub url: String,
    admin: SocketAddr,
    log: File,
    client: HttpClient,
}

impl Process {
    /// Starts `program` (a test's `env!("CARGO_BIN_EXE_...")`) with these variables besides its addresses and without
    /// export of telemetry, and waits until it is ready.
    ///
    /// # Panics
    /// With the program's log when it is not ready in time.
    pub async fn start(service: Service, program: &str, variables: &[(&str, &str)]) -> Self {
        let (listen, admin) = (free_address(), free_address());
        let log = tempfile::tempfile().expect("a file for the log");
        let output = || Stdio::from(log.try_clone().expect("a second handle of the log"));
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            // What the tests' own environment says is not meant for this program.
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
                ended.is_none() && started.elapsed() < PATIENCE,
                "{} is not ready ({ended:?}):\n{}",
                service.name(),
                process.log()
            );
            tokio::time::sleep(POLL).await;
        }
        process
    }

    /// What its admin port answers to a GET of `path`, when that is a success.
    ///
    /// # Panics
    /// When `path` is no path.
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

    /// Kills it, as SIGKILL does.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }

    /// Asks it to stop, as a supervisor does, and tells how it ended.
    ///
    /// # Panics
    /// With the program's log when it does not end in time.
    pub async fn stop(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("signalled");
        let ended = self.ended().await;
        ended.unwrap_or_else(|| panic!("it does not stop:\n{}", self.log()))
    }

    /// Waits until it ends by itself, as at a fault point.
    ///
    /// # Panics
    /// With the program's log when it does not end in time.
    pub async fn wait(mut self) -> ExitStatus {
        let ended = self.ended().await;
        ended.unwrap_or_else(|| panic!("it does not end:\n{}", self.log()))
    }

    /// What it wrote so far.
    ///
    /// # Panics
    /// When that cannot be read.
    pub fn log(&mut self) -> String {
        let mut text = String::new();
        self.log.rewind().expect("the log's beginning");
        self.log.read_to_string(&mut text).expect("a log of text");
        text
    }

    async fn ended(&mut self) -> Option<ExitStatus> {
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("the program's state") {
                return Some(status);
            }
            tokio::time::sleep(POLL).await;
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A free port below those that the system gives to connections of its own choice, which come and go.
fn free_address() -> SocketAddr {
    const PORTS: std::ops::Range<u16> = 20_000..32_000;
    loop {
        // A version 7 UUID ends in random bits.
        let [.., high, low] = *Uuid::now_v7().as_bytes();
        let offset = u16::from_be_bytes([high, low]) % (PORTS.end - PORTS.start);
        let address = SocketAddr::from(([127, 0, 0, 1], PORTS.start + offset));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
