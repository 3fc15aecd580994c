//! One cell of the matrix: a service, a collector, a fault, an end.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::collector::{Jaeger, Mode, Sink};
use crate::load::{Load, Window};
use crate::proxy::Proxy;
use crate::service::{LastWords, Pipeline, Service};

/// Connections are made and code is warm after that.
const WARM_UP: Duration = Duration::from_secs(1);
/// What one percentile is taken of.
const WINDOW: Duration = Duration::from_secs(2);
const HEALTHY_WINDOWS: usize = 4;
const OUTAGE_WINDOWS: usize = 2;
/// One way, of every piece that is sent.
const SLOWNESS: Duration = Duration::from_secs(1);
/// A collector that is back must get spans within that time.
const RECOVERY: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

/// What is wrong with the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The control: nothing is.
    Healthy,
    Killed,
    Hung,
    Slow,
    Refusing,
    Full,
}

/// How it ends for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is told to stop during the outage.
    Sigterm,
    /// The outage ends, and then the service is told to stop.
    Recovery,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub pipeline: Pipeline,
    pub fault: Fault,
    pub ending: Ending,
}

/// What was seen in a cell.
#[derive(Debug)]
pub struct Seen {
    pub sent: u64,
    /// Before the outage.
    pub sent_healthy: u64,
    pub failed: u64,
    pub healthy: Vec<Duration>,
    pub outage: Vec<Duration>,
    /// In KiB.
    pub peak_memory: u64,
    pub last_words: LastWords,
    pub received: u64,
    /// Whether spans came again after the outage; always, when there is no recovery.
    pub recovered: bool,
}

/// The collector with all that a fault needs.
struct Site {
    fault: Fault,
    sink: Sink,
    jaeger: Jaeger,
    proxy: Option<Proxy>,
}

// === impl Fault ===

impl Fault {
    pub const ALL: [Self; 5] = [
        Self::Killed,
        Self::Hung,
        Self::Slow,
        Self::Refusing,
        Self::Full,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Killed => "killed",
            Self::Hung => "hung",
            Self::Slow => "slow",
            Self::Refusing => "refusing",
            Self::Full => "full",
        }
    }
}

// === impl Ending ===

impl Ending {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigterm => "SIGTERM",
            Self::Recovery => "recovery",
        }
    }
}

// === impl Cell ===

impl Cell {
    pub fn name(self) -> String {
        format!(
            "{} {}/{}",
            self.pipeline.name(),
            self.fault.name(),
            self.ending.name()
        )
    }

    /// Runs it, in about twenty seconds.
    pub async fn run(self) -> Seen {
        let mut site = Site::set_up(self.fault).await;
        let service = Service::start(self.pipeline, site.port());
        let load = Load::to(service.port);
        let mut windows = vec![load.run(WARM_UP).await];
        let mut healthy = Vec::new();
        for _ in 0..HEALTHY_WINDOWS {
            windows.push(load.run(WINDOW).await);
            healthy.extend(windows.last().map(Window::p99));
        }
        let sent_healthy = windows.iter().map(|window| window.sent).sum();
        site.break_down();
        let mut outage = Vec::new();
        for _ in 0..OUTAGE_WINDOWS {
            windows.push(load.run(WINDOW).await);
            outage.extend(windows.last().map(Window::p99));
        }
        let mut recovered = true;
        if self.ending == Ending::Recovery {
            site.repair().await;
            recovered = site.receives_again().await;
            windows.push(load.run(WINDOW).await);
        }
        let peak_memory = service.peak_memory();
        let last_words = tokio::task::spawn_blocking(|| service.terminate())
            .await
            .unwrap();
        if self.ending == Ending::Sigterm {
            site.repair().await;
        }
        Seen {
            sent: windows.iter().map(|window| window.sent).sum(),
            sent_healthy,
            failed: windows.iter().map(|window| window.failed).sum(),
            healthy,
            outage,
            peak_memory,
            last_words,
            received: site.close().await,
            recovered,
        }
    }
}

// === impl Site ===

impl Site {
    async fn set_up(fault: Fault) -> Self {
        let sink = Sink::start().await;
        let jaeger = Jaeger::start(&sink, fault == Fault::Full).await;
        let proxy = match fault {
            Fault::Slow => Some(Proxy::start(jaeger.port).await),
            _ => None,
        };
        Self {
            fault,
            sink,
            jaeger,
            proxy,
        }
    }

    fn port(&self) -> u16 {
        self.proxy
            .as_ref()
            .map_or(self.jaeger.port, |proxy| proxy.port)
    }

    fn break_down(&mut self) {
        match self.fault {
            Fault::Healthy => {}
            Fault::Killed => self.jaeger.kill(),
            Fault::Hung => self.jaeger.signal(Signal::STOP),
            Fault::Slow => self.delay(SLOWNESS),
            Fault::Refusing => self.sink.set(Mode::Refuse),
            Fault::Full => self.sink.set(Mode::Hold),
        }
    }

    async fn repair(&mut self) {
        match self.fault {
            Fault::Healthy => {}
            Fault::Killed => self.jaeger.restart().await,
            Fault::Hung => self.jaeger.signal(Signal::CONT),
            Fault::Slow => self.delay(Duration::ZERO),
            Fault::Refusing | Fault::Full => self.sink.set(Mode::Accept),
        }
    }

    fn delay(&self, delay: Duration) {
        if let Some(proxy) = &self.proxy {
            proxy.slow_down(delay);
        }
    }

    async fn receives_again(&self) -> bool {
        let before = self.sink.received();
        let began = Instant::now();
        while began.elapsed() < RECOVERY {
            if self.sink.received() > before {
                return true;
            }
            tokio::time::sleep(PAUSE).await;
        }
        false
    }

    /// Ends the collector, which hands on what it has, and says how many spans it had received.
    async fn close(self) -> u64 {
        let Self { sink, jaeger, .. } = self;
        tokio::task::spawn_blocking(|| jaeger.end()).await.unwrap();
        sink.received()
    }
}
