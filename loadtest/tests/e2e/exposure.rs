//! What the stack exposes: the metrics of every service, and no listener outside loopback.

use std::net::IpAddr;

use chassis::platform::Service;
use loadtest::admin::MetricsFormat;
use loadtest::endpoints::BACKEND_PORTS;

use crate::support::{processes, stack};

#[test]
fn every_service_exposes_its_metrics() {
    stack::run(async |_| {
        for service in Service::ALL {
            let text = stack::metrics(service, MetricsFormat::Prometheus).await;
            let target = format!("service_name=\"{}\"", service.name());
            assert!(
                text.lines()
                    .any(|line| line.starts_with("target_info{") && line.contains(&target)),
                "{} does not expose its name",
                service.name()
            );
            assert!(
                text.contains("process_resident_memory_bytes"),
                "{}",
                service.name()
            );
        }
    });
}

#[test]
fn no_process_of_the_stack_listens_outside_loopback() {
    stack::run(async |_| {
        let pid = std::fs::read_to_string(stack::state_folder().join("supervisord.pid"))
            .expect("the supervisor writes its process id");
        let tree = processes::process_tree(pid.trim().parse().expect("a process id"));
        let mut ports = Vec::new();
        for pid in tree {
            for address in processes::addresses_of(pid) {
                assert!(
                    is_loopback(address.ip()),
                    "{} ({pid}) listens on {address}",
                    processes::name_of(pid)
                );
                ports.push(address.port());
            }
        }
        for service in Service::ALL {
            for port in [service.port(), service.admin_port()] {
                assert!(
                    ports.contains(&port),
                    "{} has no listener: {ports:?}",
                    service.name()
                );
            }
        }
        for port in BACKEND_PORTS {
            assert!(
                ports.contains(&port),
                "port {port} has no listener: {ports:?}"
            );
        }
    });
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
