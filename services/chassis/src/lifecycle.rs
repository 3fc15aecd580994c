//! A service's lifecycle: start, serve, drain, flush, exit.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use sqlx::migrate::Migrator;
use telemetry::admin::{Admin, Readiness, ReadinessCheck};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;

use crate::broker::Broker;
use crate::clock::Clock;
use crate::config::Settings;
use crate::database::Database;
use crate::failure::chain;
use crate::platform::Service;
use crate::{fault, health, outbox, pruning};

/// The time that requests and tasks in flight have to end after SIGTERM. The supervisor's grace period must be longer.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the readiness check of the broker's connection is updated.
const READINESS_INTERVAL: Duration = Duration::from_secs(1);

/// The delay before a consumer that could not be declared is declared again.
const CONSUME_RETRY: Duration = Duration::from_secs(1);

/// The readiness check of the service's listener.
const LISTENING: &str = "listening";

/// What a service is started with.
#[derive(Clone)]
pub struct Context {
    /// The service.
    pub service: Service,
    /// Its settings.
    pub settings: Settings,
    /// Cancelled on SIGTERM: streams end, polls stop, servers drain.
    pub shutdown: CancellationToken,
    /// The source of time.
    pub clock: Clock,
    readiness: Readiness,
    tasks: TaskTracker,
}

/// Runs `service` until SIGTERM or SIGINT, and returns when it has drained and its telemetry is flushed. `configure`
/// adds the service's own settings to its telemetry, such as its sampling; the platform's metrics are declared already.
/// A process that was started with the argument [`health::COMMAND`] runs the health check instead.
///
/// # Errors
/// When the service cannot start, or telemetry is lost at shutdown. For the health check: when the service is not ready.
pub async fn run<S, F>(
    service: Service,
    configure: impl FnOnce(telemetry::Builder) -> telemetry::Builder,
    serve: S,
) -> anyhow::Result<()>
where
    S: FnOnce(Context) -> F,
    F: Future<Output = anyhow::Result<()>>,
{
    let settings = Settings::from_env(service)?;
    if health::is_requested() {
        return Ok(health::check(&settings).await?);
    }
    let telemetry = telemetry::builder(service.name())
        .vendor("bidtrace")
        .version(env!("CARGO_PKG_VERSION"))
        .metrics(registry::ALL);
    let telemetry = configure(telemetry).init()?;
    fault::configure(settings.faults.clone());
    let readiness = Readiness::default();
    // Registered first, so that the service is not ready before it has registered its other checks.
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
    if tokio::time::timeout(DRAIN_TIMEOUT, tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            left = tasks.len(),
            "background tasks did not end within the drain timeout"
        );
    }
    tracing::info!("stopped; flushing telemetry");
    let flushed = telemetry.shutdown().await;
    admin_down.cancel();
    // The admin server holds no state, so its result does not matter.
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
    /// Opens and migrates the service's database. In the background, expired rows of the chassis's tables are deleted
    /// and the metrics of the pool are updated.
    ///
    /// # Errors
    /// When the database cannot be opened or migrated.
    pub async fn database(&self, migrations: &Migrator) -> anyhow::Result<Database> {
        let ready = self.readiness.check("database");
        let database =
            Database::open(&self.settings.database_url, self.service.name(), migrations).await?;
        ready.set(true);
        self.background(pruning::run(
            database.clone(),
            self.clock.clone(),
            self.shutdown.clone(),
        ));
        self.background(database.clone().update_pool_metrics(self.shutdown.clone()));
        Ok(database)
    }

    /// Connects to the broker. `/readyz` reports the state of the connection.
    ///
    /// # Errors
    /// When the address is malformed or the stream cannot be declared.
    pub async fn broker(&self) -> anyhow::Result<Broker> {
        let ready = self.readiness.check("broker");
        let broker = Broker::connect(&self.settings.nats_url).await?;
        ready.set(true);
        let (connection, shutdown) = (broker.clone(), self.shutdown.clone());
        self.background(async move {
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(READINESS_INTERVAL) => ready.set(connection.is_connected()),
                }
            }
        });
        Ok(broker)
    }

    /// Adds a readiness check of the service's own. It fails until it is set.
    pub fn readiness(&self, name: &'static str) -> ReadinessCheck {
        self.readiness.check(name)
    }

    /// Publishes the events of the database's outbox in the background.
    pub fn relay_outbox(&self, database: &Database, broker: &Broker) {
        self.background(outbox::relay(
            database.clone(),
            broker.clone(),
            self.clock.clone(),
            self.shutdown.clone(),
        ));
        self.background(outbox::update_metrics(
            database.clone(),
            self.clock.clone(),
            self.shutdown.clone(),
        ));
    }

    /// Runs `task` in the background. At shutdown it has to end by itself within [`DRAIN_TIMEOUT`].
    pub fn background(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Consumes the messages of these subjects in the background: see [`Broker::consume`].
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
                tracing::warn!(durable, error = %chain(&failure), "cannot declare the consumer; retrying");
                tokio::time::sleep(CONSUME_RETRY).await;
            }
        });
    }

    /// Serves gRPC on the service's address until shutdown, then drains.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the server fails.
    pub async fn serve_grpc(&self, routes: Routes) -> anyhow::Result<()> {
        // Nagle's algorithm would delay the trailers until the data before them is acknowledged.
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

    /// Serves HTTP on the service's address until shutdown, then drains. The router has to include a telemetry layer: the
    /// gateway's is configured differently from the others.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the server fails.
    pub async fn serve_http(&self, router: axum::Router) -> anyhow::Result<()> {
        // Nagle's algorithm would delay an event of a stream until the previous one is acknowledged.
        let listener = self.listen().await?.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
        });
        // The gateway limits the rate of callers without a token by their addresses.
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
        let timeout = async {
            self.shutdown.cancelled().await;
            tokio::time::sleep(DRAIN_TIMEOUT).await;
        };
        tokio::select! {
            result = server => result,
            () = timeout => {
                tracing::warn!("requests in flight did not end within the drain timeout");
                Ok(())
            }
        }
    }
}
