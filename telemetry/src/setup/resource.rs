//! The resource of the process.

use opentelemetry::Key;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;

use crate::metrics::signals::attributes::{SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION};
use crate::settings::Settings;

/// The resource from the environment, completed by `service` and `version`.
pub(crate) fn detect(
    settings: &Settings,
    service: &'static str,
    version: Option<&str>,
) -> Resource {
    let says = |key: &str| {
        settings
            .resource
            .iter()
            .any(|attribute| attribute.key.as_str() == key)
    };
    // Not the SDK's detector, which would accept a list that was rejected here.
    let mut resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(settings.resource.iter().cloned());
    match &settings.service_name {
        Some(name) => resource = resource.with_service_name(name.clone()),
        None if says(SERVICE_NAME.name()) => {}
        None => resource = resource.with_service_name(service),
    }
    if let Some(version) = version
        && !says(SERVICE_VERSION.name())
    {
        resource = resource.with_attribute(SERVICE_VERSION.with(version).into());
    }
    if !says(SERVICE_INSTANCE_ID.name()) {
        let id = uuid::Uuid::now_v7().to_string();
        resource = resource.with_attribute(SERVICE_INSTANCE_ID.with(id).into());
    }
    resource.build()
}

/// One attribute as text; empty when it is missing.
pub(crate) fn text(resource: &Resource, key: &'static str) -> String {
    resource
        .get(&Key::from_static_str(key))
        .map(|value| value.as_str().into_owned())
        .unwrap_or_default()
}
