//! What the scripts and Prometheus have to know of the services, from the platform's own facts.

use std::fmt::Write as _;

use chassis::platform::Service;
use telemetry_codegen::Files;

/// The first line of every file.
const GENERATED: &str =
    "# Generated from services/chassis/src/platform.rs by `make generate`; do not edit.";

/// The services as a shell script, and as targets of Prometheus for both ways of running the stack.
pub(super) fn generated() -> Files {
    let mut files = Files::default();
    files.file("deploy/native/services.sh", script());
    let native = targets(|service| format!("127.0.0.1:{}", service.admin_port()));
    files.file("deploy/prometheus/targets/native/services.yml", native);
    let compose = targets(|service| format!("{}:{}", service.name(), service.admin_port()));
    files.file("deploy/prometheus/targets/compose/services.yml", compose);
    files
}

/// The edge first, which is what people look for.
fn in_order_of_ports() -> Vec<Service> {
    let mut services = Service::ALL.to_vec();
    services.sort_by_key(|service| service.admin_port());
    services
}

fn script() -> String {
    let services = in_order_of_ports();
    let names: Vec<&str> = services.iter().map(|service| service.name()).collect();
    let mut text = format!(
        "{GENERATED}\n# shellcheck shell=bash disable=SC2034\n\nservices=({})\n\n\
        # The port that serves callers, and the one with /metrics and /readyz.\ndeclare -A service_ports=(\n",
        names.join(" ")
    );
    for service in services {
        let (name, port, admin) = (service.name(), service.port(), service.admin_port());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  [{name}]=\"{port} {admin}\"");
    }
    text + ")\n"
}

fn targets(address: impl Fn(Service) -> String) -> String {
    let mut text = format!("{GENERATED}\n");
    for service in in_order_of_ports() {
        let name = service.name();
        let _ = writeln!(
            text,
            "- {{ targets: [\"{}\"], labels: {{ job: {name} }} }}",
            address(service)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_yaml_ng::Value;

    use super::*;

    #[test]
    fn a_shell_reads_the_services_and_their_ports() {
        let script = format!(
            "{}\nfor name in \"${{services[@]}}\"; do echo \"$name ${{service_ports[$name]}}\"; done",
            script()
        );
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed.lines().count(), Service::ALL.len());
        for service in Service::ALL {
            let (name, port, admin) = (service.name(), service.port(), service.admin_port());
            let line = format!("{name} {port} {admin}");
            assert!(printed.lines().any(|one| one == line), "{line}\n{printed}");
        }
    }

    #[test]
    fn every_service_is_a_target_that_its_name_labels() {
        let text = targets(|service| format!("host:{}", service.admin_port()));
        let groups: Vec<Value> = serde_yaml_ng::from_str(&text).unwrap();
        assert_eq!(groups.len(), Service::ALL.len());
        for service in Service::ALL {
            let group = groups
                .iter()
                .find(|group| group["labels"]["job"] == service.name())
                .unwrap();
            let address = format!("host:{}", service.admin_port());
            assert_eq!(group["targets"][0], address.as_str());
        }
    }
}
