//! Generates the clients and servers from `proto/`, and the lists of all methods and of the streaming ones.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

const SERVICES: [&str; 7] = [
    "common",
    "account",
    "catalog",
    "auction",
    "reward",
    "order",
    "notification",
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = out.join("descriptors.bin");
    let protos: Vec<String> = SERVICES
        .iter()
        .map(|name| format!("proto/bidtrace/{name}/v1/{name}.proto"))
        .collect();

    let mut config = tonic_prost_build::Config::new();
    config.protoc_executable(protoc_bin_vendored::protoc_bin_path()?);
    tonic_prost_build::configure()
        .file_descriptor_set_path(&descriptors)
        .compile_with_config(config, &protos, &["proto".to_owned()])?;

    let set = FileDescriptorSet::decode(fs::read(&descriptors)?.as_slice())?;
    fs::write(out.join("methods.rs"), paths(&set, |_| true)?)?;
    let streams =
        |method: &MethodDescriptorProto| method.client_streaming() || method.server_streaming();
    fs::write(out.join("streaming.rs"), paths(&set, streams)?)?;
    println!("cargo::rerun-if-changed=proto");
    Ok(())
}

/// The paths of these methods, as a Rust expression.
fn paths(
    set: &FileDescriptorSet,
    is_listed: impl Fn(&MethodDescriptorProto) -> bool,
) -> Result<String, std::fmt::Error> {
    let mut list = String::from("&[");
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                if is_listed(method) {
                    write!(
                        list,
                        "\"/{}.{}/{}\", ",
                        file.package(),
                        service.name(),
                        method.name()
                    )?;
                }
            }
        }
    }
    list.push(']');
    Ok(list)
}
