//! What the stack shows of itself: metrics of every service, and no ear beyond loopback.

use crate::{processes, stack};
use chassis::platform::Service;
use std::net::IpAddr;

#[test]
fn every_service_shows_its_metrics() {
    stack::run(async |_| {
        for service in Service::ALL {
            let text = stack::metrics(service, "text/plain").await;
            let target = format!("service_name=\"{}\"", service.name());
            assert!(
                text.lines()
                    .any(|line| line.starts_with("target_info{") && line.contains(&target)),
                "{} does not say who it is",
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
fn nothing_of_the_stack_listens_beyond_loopback() {
    stack::run(async |_| {
        let pid = std::fs::read_to_string(stack::state().join("supervisord.pid"))
            .expect("the supervisor notes its process id");
        let family = processes::family_of(pid.trim().parse().expect("a process id"));
        let mut ports = Vec::new();
        for pid in family {
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
                    "{} was not looked at: {ports:?}",
                    service.name()
                );
            }
        }
        for port in [4222, 4317, 9090, 9093, 16686] {
            assert!(
                ports.contains(&port),
                "port {port} was not looked at: {ports:?}"
            );
        }
    });
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
