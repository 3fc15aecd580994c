//! docker-compose.yml against the native stack: the same names, ports, versions, settings and targets, and what the
//! file promises of its containers. Both are read as they are; the services' facts come from [`chassis::platform`].

use chassis::platform::Service;
use serde_yaml_ng::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The whole stack must leave room on a small machine: 2 GB.
const MEMORY: u64 = 2_000_000_000;

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn compose() -> Value {
    let mut file: Value =
        serde_yaml_ng::from_str(&read("docker-compose.yml")).expect("docker-compose.yml is YAML");
    // Twice, for an anchor that is merged has merged another.
    for _ in 0..2 {
        file.apply_merge().expect("its anchors merge");
    }
    file
}

/// The containers of the stack by name: those that no profile holds back.
fn containers() -> BTreeMap<String, Value> {
    all_containers()
        .into_iter()
        .filter(|(_, container)| container.get("profiles").is_none())
        .collect()
}

fn all_containers() -> BTreeMap<String, Value> {
    serde_yaml_ng::from_value(compose()["services"].clone()).expect("a map of services")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => panic!("expected text, found {other:?}"),
    }
}

fn list(value: &Value) -> Vec<String> {
    value
        .as_sequence()
        .map(|items| items.iter().map(text).collect())
        .unwrap_or_default()
}

/// What stands between `declare -A NAME=(` and its closing bracket, as `[key]=value` pairs.
fn shell_map(script: &str, name: &str) -> BTreeMap<String, String> {
    let script = read(script);
    let start = format!("declare -A {name}=(");
    let body = script.split_once(&start).expect("the map is declared").1;
    let body = body.split_once(')').expect("and closed").0;
    body.split('[')
        .skip(1)
        .map(|entry| {
            let (key, value) = entry.split_once("]=").expect("[key]=value");
            (key.to_owned(), value.trim().trim_matches('"').to_owned())
        })
        .collect()
}

/// The ports of every native process.
fn native_ports() -> BTreeMap<String, BTreeSet<u16>> {
    shell_map("deploy/native/processes.sh", "ports")
        .into_iter()
        .chain(shell_map("deploy/native/services.sh", "service_ports"))
        .map(|(name, ports)| {
            let ports = ports
                .split_whitespace()
                .map(|port| port.parse().expect("a port"));
            (name, ports.collect())
        })
        .collect()
}

#[test]
fn both_stacks_run_the_same_by_the_same_names() {
    let native: BTreeSet<_> = native_ports().into_keys().collect();
    let contained: BTreeSet<_> = containers().into_keys().collect();
    assert_eq!(contained, native);
    for service in Service::ALL {
        assert!(contained.contains(service.name()), "{}", service.name());
    }
}

#[test]
fn every_port_is_the_native_one_and_published_on_loopback() {
    let native = native_ports();
    for (name, container) in all_containers() {
        let published: BTreeSet<u16> = list(&container["ports"])
            .iter()
            .map(|port| {
                let parts: Vec<_> = port.split(':').collect();
                let [address, outside, inside] = parts[..] else {
                    panic!("{name} publishes {port}: expected 127.0.0.1:PORT:PORT");
                };
                assert_eq!(address, "127.0.0.1", "{name} publishes {port}");
                assert_eq!(outside, inside, "{name} publishes {port}");
                outside.parse().expect("a port")
            })
            .collect();
        assert_eq!(
            published,
            native.get(&name).cloned().unwrap_or_default(),
            "{name}"
        );
    }
}

#[test]
fn a_service_listens_where_the_others_look_for_it() {
    let containers = containers();
    for service in Service::ALL {
        let environment = &containers[service.name()]["environment"];
        let listens = |variable: &str| text(&environment[variable]);
        assert_eq!(
            listens("BIDTRACE_LISTEN"),
            format!("0.0.0.0:{}", service.port())
        );
        assert_eq!(
            listens("BIDTRACE_ADMIN_LISTEN"),
            format!("0.0.0.0:{}", service.admin_port())
        );
        for other in Service::ALL {
            // Nobody calls the gateway but people.
            if other != Service::Gateway {
                assert_eq!(
                    listens(&other.url_variable()),
                    format!("http://{}:{}", other.name(), other.port())
                );
            }
        }
        assert_eq!(listens("OTEL_EXPORTER_OTLP_ENDPOINT"), "http://jaeger:4317");
        assert_eq!(listens("BIDTRACE_NATS_URL"), "nats://nats:4222");
    }
}

#[test]
fn a_service_with_data_has_a_database_of_its_own_on_a_volume_of_its_own() {
    for service in Service::ALL {
        let container = &containers()[service.name()];
        let name = service.name();
        if service == Service::Gateway {
            assert!(
                container.get("volumes").is_none(),
                "the gateway owns no data"
            );
            continue;
        }
        assert_eq!(
            text(&container["environment"]["BIDTRACE_DATABASE_URL"]),
            format!("sqlite:///data/{name}.db?mode=rwc")
        );
        assert_eq!(list(&container["volumes"]), [format!("{name}-data:/data")]);
    }
}

#[test]
fn the_images_are_the_versions_that_the_native_stack_builds() {
    let release = shell_map("deploy/native/programs.sh", "release");
    let containers = containers();
    let image = |name: &str| text(&containers[name]["image"]);
    assert_eq!(
        image("jaeger"),
        format!("jaegertracing/jaeger:{}", release["jaeger"])
    );
    assert_eq!(
        image("prometheus"),
        format!("prom/prometheus:v{}", release["prometheus"])
    );
    assert_eq!(
        image("alertmanager"),
        format!("prom/alertmanager:v{}", release["alertmanager"])
    );
    assert_eq!(image("nats"), format!("nats:{}-alpine", release["nats"]));
    for service in Service::ALL {
        assert_eq!(image(service.name()), "bidtrace");
    }
}

#[test]
fn the_native_releases_are_what_their_modules_pin() {
    let release = shell_map("deploy/native/programs.sh", "release");
    let parts = |program: &str| -> Vec<u32> {
        release[program]
            .split('.')
            .map(|part| part.parse().expect("a number"))
            .collect()
    };
    let pinned = |program: &str, module: &str| {
        let manifest = read(&format!("deploy/programs/{program}/go.mod"));
        let line = manifest
            .lines()
            .find_map(|line| line.trim().strip_prefix(&format!("{module} v")))
            .unwrap_or_else(|| panic!("{program}/go.mod requires no {module}"));
        line.split_whitespace()
            .next()
            .expect("a version")
            .to_owned()
    };
    // Prometheus 3.15.0 is the module's 0.315.0.
    let [major, minor, patch] = parts("prometheus")[..] else {
        panic!("three parts")
    };
    assert_eq!(
        pinned("prometheus", "github.com/prometheus/prometheus"),
        format!("0.{}.{patch}", major * 100 + minor)
    );
    // Jaeger 2.0.0 came out with the module's 1.63.0, and they have kept step.
    let [2, minor, patch] = parts("jaeger")[..] else {
        panic!("Jaeger 2")
    };
    assert_eq!(
        pinned("jaeger", "github.com/jaegertracing/jaeger"),
        format!("1.{}.{patch}", minor + 63)
    );
    assert_eq!(
        pinned("alertmanager", "github.com/prometheus/alertmanager"),
        release["alertmanager"]
    );
    assert_eq!(
        pinned("nats", "github.com/nats-io/nats-server/v2"),
        release["nats"]
    );
}

/// A backend's native section: its environment and its arguments.
struct Section {
    environment: BTreeMap<String, String>,
    arguments: BTreeMap<String, String>,
}

/// Flags with their values: `--flag=value` and `--flag value` are the same.
fn flags(words: &[String]) -> BTreeMap<String, String> {
    let mut flags = BTreeMap::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--") else {
            continue;
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => (
                flag,
                words
                    .next_if(|next| !next.starts_with("--"))
                    .cloned()
                    .unwrap_or_default(),
            ),
        };
        flags.insert(name.to_owned(), value);
    }
    flags
}

fn native_section(backend: &str) -> Section {
    let script = read("deploy/native/supervisor.sh").replace("\\\n", " ");
    let start = format!("program_section {backend} ");
    let line = script
        .lines()
        .find(|line| line.trim().starts_with(&start))
        .unwrap_or_else(|| panic!("supervisor.sh has no section of {backend}"));
    let (environment, command) = line.split_once(" -- ").expect("environment -- command");
    let unquoted = |word: &str| word.trim_matches('"').to_owned();
    Section {
        environment: environment
            .split_whitespace()
            .map(unquoted)
            .filter_map(|word| {
                let (name, value) = word.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            })
            .collect(),
        arguments: flags(&command.split_whitespace().map(unquoted).collect::<Vec<_>>()),
    }
}

/// Is this value bound to where it runs: a path, an address, or something that a shell fills in?
fn is_a_place(value: &str) -> bool {
    value.contains(['/', '$', ')']) || value.contains("127.0.0.1") || value.contains("0.0.0.0")
}

#[test]
fn a_backend_is_started_with_the_same_flags() {
    for backend in ["nats", "jaeger", "prometheus", "alertmanager"] {
        let native = native_section(backend).arguments;
        let contained = flags(&list(&containers()[backend]["command"]));
        assert_eq!(
            contained.keys().collect::<Vec<_>>(),
            native.keys().collect::<Vec<_>>(),
            "{backend}"
        );
        for (flag, value) in native {
            if !is_a_place(&value) {
                assert_eq!(contained[&flag], value, "{backend} --{flag}");
            }
        }
    }
}

#[test]
fn a_service_has_the_same_variables() {
    let native = native_section("\"$name\"").environment;
    assert!(native.contains_key("BIDTRACE_DATABASE_URL"), "{native:?}");
    for service in Service::ALL {
        let contained = containers()[service.name()]["environment"].clone();
        for (variable, value) in &native {
            // Faults are for the native stack's tests only, and the gateway has no database.
            if variable == "BIDTRACE_FAULTS"
                || (variable == "BIDTRACE_DATABASE_URL" && service == Service::Gateway)
            {
                continue;
            }
            let here = contained
                .get(variable.as_str())
                .unwrap_or_else(|| panic!("{} lacks {variable}", service.name()));
            if !is_a_place(value) {
                assert_eq!(&text(here), value, "{} {variable}", service.name());
            }
        }
    }
}

#[test]
fn grafana_is_set_up_the_same() {
    let native = native_section("grafana").environment;
    let contained = containers()["grafana"]["environment"].clone();
    for (name, value) in native {
        // Where the image has its own folders.
        if name.starts_with("GF_PATHS_") {
            continue;
        }
        let here = text(&contained[name.as_str()]);
        if !is_a_place(&value) {
            assert_eq!(here, value, "{name}");
        }
    }
}

#[test]
fn prometheus_scrapes_the_same_targets() {
    let natively =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/prometheus/targets/native");
    let mut seen = 0;
    for entry in fs::read_dir(natively).expect("the native targets") {
        let file = entry.expect("an entry").file_name();
        let file = file.to_str().expect("a name");
        let jobs = |stack: &str| -> BTreeMap<String, Vec<String>> {
            let groups: Value = serde_yaml_ng::from_str(&read(&format!(
                "deploy/prometheus/targets/{stack}/{file}"
            )))
            .expect("JSON, which is YAML");
            groups
                .as_sequence()
                .expect("a list of groups")
                .iter()
                .map(|group| (text(&group["labels"]["job"]), list(&group["targets"])))
                .collect()
        };
        let contained = jobs("compose");
        let native = jobs("native");
        assert_eq!(
            contained.keys().collect::<Vec<_>>(),
            native.keys().collect::<Vec<_>>(),
            "{file}"
        );
        let containers = containers();
        for (job, targets) in native {
            for (target, in_container) in targets.iter().zip(&contained[&job]) {
                let (host, port) = in_container.split_once(':').expect("HOST:PORT");
                assert_eq!(target, &format!("127.0.0.1:{port}"), "{job}");
                assert!(containers.contains_key(host), "{job} is on {host}");
                seen += 1;
            }
            assert_eq!(targets.len(), contained[&job].len(), "{job}");
        }
    }
    assert!(seen >= Service::ALL.len(), "only {seen} targets");
}

#[test]
fn the_configuration_is_that_of_the_native_stack_and_read_only() {
    for (name, container) in all_containers() {
        for volume in list(&container["volumes"]) {
            let Some(path) = volume.strip_prefix("./") else {
                continue;
            };
            let (path, rest) = path.split_once(':').expect("./PATH:PLACE:ro");
            assert!(rest.ends_with(":ro"), "{name} could write to {path}");
            assert!(
                Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("../..")
                    .join(path)
                    .exists(),
                "{name} mounts {path}, which is not there"
            );
        }
    }
}

#[test]
fn no_container_has_a_privilege_or_writes_outside_its_volumes() {
    for (name, container) in all_containers() {
        assert_eq!(container["read_only"], Value::Bool(true), "{name}");
        assert_eq!(list(&container["cap_drop"]), ["ALL"], "{name}");
        assert!(container.get("cap_add").is_none(), "{name}");
        assert!(container.get("privileged").is_none(), "{name}");
        assert!(container.get("network_mode").is_none(), "{name}");
        assert_eq!(
            list(&container["security_opt"]),
            ["no-new-privileges:true"],
            "{name}"
        );
    }
}

#[test]
fn our_image_runs_as_nobody_in_particular() {
    let dockerfile = read("deploy/container/Dockerfile");
    let last_stage = dockerfile.rsplit_once("\nFROM ").expect("stages").1;
    assert!(last_stage.starts_with("debian:bookworm-slim\n"));
    let user = last_stage
        .lines()
        .find_map(|line| line.strip_prefix("USER "))
        .expect("the last stage names its user");
    assert_ne!(user.parse(), Ok(0_u32));
    for service in Service::ALL {
        assert!(
            dockerfile.contains(&format!(" {} ", service.name())),
            "{} is not in the image",
            service.name()
        );
    }
}

#[test]
fn every_container_of_the_stack_says_when_it_is_healthy_and_is_waited_for() {
    let containers = containers();
    for (name, container) in &containers {
        let test = list(&container["healthcheck"]["test"]);
        if let Some(service) = Service::ALL.iter().find(|service| service.name() == name) {
            assert_eq!(test, ["CMD", service.name(), chassis::health::COMMAND]);
        } else {
            assert!(test.len() > 2, "{name} has no health check");
        }
        let Some(awaited) = container["depends_on"].as_mapping() else {
            continue;
        };
        for (other, dependency) in awaited {
            assert!(containers.contains_key(&text(other)));
            assert_eq!(text(&dependency["condition"]), "service_healthy", "{name}");
        }
    }
}

#[test]
fn all_limits_together_are_under_two_gigabytes() {
    let mut total = 0;
    for (name, container) in all_containers() {
        let limit = text(&container["deploy"]["resources"]["limits"]["memory"]);
        let mebibytes: u64 = limit
            .strip_suffix('M')
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("{name} is limited to {limit}: expected megabytes as 64M"));
        total += mebibytes << 20;
    }
    assert!(total < MEMORY, "{total} bytes");
}
