//! A client of a service's admin port.

use std::time::Duration;

use chassis::platform::Service;
use http::{HeaderMap, HeaderValue, Method, header};

use crate::endpoints;
use crate::transport::{Transport, TransportError};

/// Maximum duration of one request.
const TIME_OUT: Duration = Duration::from_secs(20);

/// A client of the admin port of one service.
#[derive(Debug, Clone)]
pub struct Admin {
    transport: Transport,
}

/// The text formats in which a service exposes its metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFormat {
    /// The Prometheus text format.
    Prometheus,
    /// `OpenMetrics` 1.0, with units and exemplars.
    OpenMetrics,
}

// === impl MetricsFormat ===

impl MetricsFormat {
    /// The media type that asks for it.
    const fn accept(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Prometheus => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0",
        })
    }
}

// === impl Admin ===

impl Admin {
    /// A client of the native stack's `service`.
    ///
    /// # Errors
    /// When the service's address is not valid.
    pub fn new(service: Service) -> Result<Self, TransportError> {
        Ok(Self {
            transport: Transport::new(&endpoints::admin(service), TIME_OUT)?,
        })
    }

    /// The service's metrics.
    ///
    /// # Errors
    /// When there is no response, or its status is not a success.
    pub async fn metrics(&self, format: MetricsFormat) -> Result<String, TransportError> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, format.accept())]);
        let response = self
            .transport
            .send(Method::GET, "/metrics", headers, Vec::new())
            .await?
            .success()?;
        Ok(String::from_utf8_lossy(&response.body).into_owned())
    }

    /// Asks whether the service is ready.
    ///
    /// # Errors
    /// When it is not, or there is no response.
    pub async fn ready(&self) -> Result<(), TransportError> {
        self.transport.get("/readyz").await?.success()?;
        Ok(())
    }
}
