//! The signals that ask a process to stop.

/// Completes when the process is asked to stop: by SIGTERM, as supervisors and Kubernetes do, or by SIGINT (Ctrl-C).
///
/// Give it to the server, so that requests are drained, the guard of [`init`](crate::init) is dropped and the last spans
/// are exported: `axum::serve(listener, app).with_graceful_shutdown(telemetry::shutdown_signal())`. From its first poll
/// on, neither signal ends the process by itself.
pub async fn shutdown_signal() {
    tokio::select! {
        () = interrupt() => {}
        () = terminate() => {}
    }
    tracing::info!("received a stop signal");
}

async fn interrupt() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "cannot listen for SIGINT");
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminate() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        Err(error) => {
            tracing::error!(%error, "cannot listen for SIGTERM");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn terminate() {
    std::future::pending::<()>().await;
}
