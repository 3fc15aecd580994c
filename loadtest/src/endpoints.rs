//! The addresses of the native stack, as `make up` starts it.

use chassis::platform::Service;

/// Jaeger's query API and UI.
pub const JAEGER: &str = "http://127.0.0.1:16686";
/// Jaeger's OTLP receiver over HTTP.
pub const OTLP_HTTP: &str = "http://127.0.0.1:4318";
/// Prometheus.
pub const PROMETHEUS: &str = "http://127.0.0.1:9090";

/// The ports of the backends: NATS, Jaeger's OTLP receiver over gRPC, Prometheus, Alertmanager, and Jaeger's query API.
pub const BACKEND_PORTS: [u16; 5] = [4222, 4317, 9090, 9093, 16686];

/// The gateway.
pub fn gateway() -> String {
    Service::Gateway.default_url()
}

/// The admin port of a service.
pub fn admin(service: Service) -> String {
    format!("http://{}", service.default_admin_listen())
}
