//! A service's life: start, serve, drain, flush, exit.

use crate::{
    broker::Broker, clock::Clock, config::Settings, database::Database, failure::chain, fault,
    health, housekeeping, outbox, platform::Service,
};
use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use sqlx::migrate::Migrator;
use std::{future::Future, net::SocketAddr, time::Duration};
use telemetry::admin::{Admin, Readiness, ReadinessCheck};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{service::Routes, transport::server::TcpIncoming};

/// How long requests and tasks in flight may take to end after SIGTERM; the supervisor's grace must be longer.
const DRAIN: Duration = Duration::from_secs(10);

/// How often the state of the broker's connection is looked at for `/readyz`.
const READINESS_INTERVAL: Duration = Duration::from_secs(1);

/// The readiness check that the service's own address is served.
const LISTENING: &str = "listening";

/// What a service is given to start with.
#[derive(Clone)]
pub struct Context {
    /// Which service this is.
    pub service: Service,
    /// What the environment says.
    pub settings: Settings,
    /// Cancelled on SIGTERM: streams end, polls stop, servers drain.
    pub shutdown: CancellationToken,
    /// Where to take the time from.
    pub clock: Clock,
    readiness: Readiness,
    tasks: TaskTracker,
}

/// Runs `service` until SIGTERM or SIGINT, and returns when all is drained and flushed. The platform's
/// metrics are declared; `own` says what the service's telemetry has beside them, such as its sampling. A process started
/// with the argument [`health::COMMAND`] asks the running service for its health instead.
///
/// # Errors
/// When it cannot start, or when telemetry is lost at the end; when the service that was asked is not ready.
pub async fn run<S, F>(
    service: Service,
    own: impl FnOnce(telemetry::Builder) -> telemetry::Builder,
    serve: S,
) -> anyhow::Result<()>
where
    S: FnOnce(Context) -> F,
    F: Future<Output = anyhow::Result<()>>,
{
    let settings = Settings::from_env(service)?;
    if health::is_asked() {
        return Ok(health::check(&settings).await?);
    }
    let telemetry = telemetry::builder(service.name())
        .vendor("bidtrace")
        .version(env!("CARGO_PKG_VERSION"))
        .metrics(registry::ALL);
    let telemetry = own(telemetry).init()?;
    fault::configure(settings.faults.clone());
    let readiness = Readiness::default();
    // Fails until the service listens, also while it has not yet said what else it needs.
    readiness.check(LISTENING);
    let admin =
        Admin::bind(settings.admin_listen, &telemetry, readiness.clone()).with_context(|| {
            format!(
                "cannot listen on the admin address {}",
                settings.admin_listen
            )
        })?;
    let shutdown = CancellationToken::new();
    let admin_down = CancellationToken::new();
    let admin = tokio::spawn(admin.serve(admin_down.clone().cancelled_owned()));
    tokio::spawn(cancel_on_signal(shutdown.clone()));
    let context = Context {
        service,
        settings,
        shutdown: shutdown.clone(),
        clock: Clock::System,
        readiness,
        tasks: TaskTracker::new(),
    };
    let tasks = context.tasks.clone();
    tracing::info!(listen = %context.settings.listen, "starting");
    let served = serve(context).await;
    if let Err(error) = &served {
        tracing::error!(error = format!("{error:#}"), "cannot serve");
    }
    shutdown.cancel();
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!(left = tasks.len(), "tasks did not end in time");
    }
    tracing::info!("stopped; flushing");
    let flushed = telemetry.shutdown().await;
    admin_down.cancel();
    // The admin port holds no state: how its server ended changes nothing any more.
    let _ = admin.await;
    served?;
    flushed.context("telemetry was lost at shutdown")?;
    Ok(())
}

async fn cancel_on_signal(shutdown: CancellationToken) {
    telemetry::shutdown_signal().await;
    shutdown.cancel();
}

impl Context {
    /// Opens the service's database and keeps it tidy in the background.
    ///
    /// # Errors
    /// When it cannot be opened or migrated.
    pub async fn database(&self, migrations: &Migrator) -> anyhow::Result<Database> {
        let ready = self.readiness.check("database");
        let database =
            Database::open(&self.settings.database_url, self.service.name(), migrations).await?;
        ready.set(true);
        self.background(housekeeping::run(
            database.clone(),
            self.clock.clone(),
            self.shutdown.clone(),
        ));
        self.background(database.clone().watch_pool(self.shutdown.clone()));
        Ok(database)
    }

    /// Connects to the broker, and has `/readyz` follow the connection.
    ///
    /// # Errors
    /// When its address is bad or the stream cannot be declared.
    pub async fn broker(&self) -> anyhow::Result<Broker> {
        let ready = self.readiness.check("broker");
        let broker = Broker::connect(&self.settings.nats_url).await?;
        ready.set(true);
        let (watched, shutdown) = (broker.clone(), self.shutdown.clone());
        self.background(async move {
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(READINESS_INTERVAL) => ready.set(watched.is_connected()),
                }
            }
        });
        Ok(broker)
    }

    /// A check of the service's own that `/readyz` waits for; it fails until it is set.
    pub fn readiness(&self, name: &'static str) -> ReadinessCheck {
        self.readiness.check(name)
    }

    /// Publishes what the database's outbox holds, in the background.
    pub fn relay_outbox(&self, database: &Database, broker: &Broker) {
        self.background(outbox::relay(
            database.clone(),
            broker.clone(),
            self.clock.clone(),
            self.shutdown.clone(),
        ));
        self.background(outbox::watch(
            database.clone(),
            self.clock.clone(),
            self.shutdown.clone(),
        ));
    }

    /// Runs `task` beside the servers; at shutdown it has [`DRAIN`] to end by itself.
    pub fn background(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Works on the events of these subjects, in the background.
    pub fn consume(
        &self,
        broker: &Broker,
        durable: &'static str,
        subjects: &'static [&'static str],
        handler: std::sync::Arc<dyn crate::broker::Handler>,
    ) {
        let (broker, shutdown) = (broker.clone(), self.shutdown.clone());
        self.background(async move {
            while let Err(failure) = broker
                .consume(durable, subjects, handler.clone(), shutdown.clone())
                .await
            {
                tracing::warn!(durable, error = %chain(&failure), "cannot consume; trying again");
                tokio::time::sleep(READINESS_INTERVAL).await;
            }
        });
    }

    /// Serves gRPC on the service's address until shutdown, then drains.
    ///
    /// # Errors
    /// When it cannot listen, or the server fails.
    pub async fn serve_grpc(&self, routes: Routes) -> anyhow::Result<()> {
        // Without Nagle's algorithm: trailers must not wait for the acknowledgement of what came before them.
        let incoming = TcpIncoming::from(self.listen().await?).with_nodelay(Some(true));
        let server = tonic::transport::Server::builder()
            .layer(
                telemetry::grpc::ServerLayer::new()
                    .methods(api::METHODS)
                    .streams(api::STREAMING_METHODS),
            )
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, self.shutdown.clone().cancelled_owned());
        self.until_drained(async { Ok(server.await?) }).await
    }

    /// Serves HTTP on the service's address until shutdown, then drains. The router brings its own telemetry layer,
    /// since the edge's differs from that of the others.
    ///
    /// # Errors
    /// When it cannot listen, or the server fails.
    pub async fn serve_http(&self, router: axum::Router) -> anyhow::Result<()> {
        // Without Nagle's algorithm: an event of a stream must not wait for the last one's acknowledgement.
        let listener = self.listen().await?.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
        });
        // The edge tells callers apart by their addresses when they have no token.
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service)
            .with_graceful_shutdown(self.shutdown.clone().cancelled_owned());
        self.until_drained(async { Ok(server.await?) }).await
    }

    async fn listen(&self) -> anyhow::Result<TcpListener> {
        let ready = self.readiness.check(LISTENING);
        let address = self.settings.listen;
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        tracing::info!(%address, "listening");
        ready.set(true);
        Ok(listener)
    }

    async fn until_drained(
        &self,
        server: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let overtime = async {
            self.shutdown.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            end = server => end,
            () = overtime => {
                tracing::warn!("requests in flight did not end in time");
                Ok(())
            }
        }
    }
}
