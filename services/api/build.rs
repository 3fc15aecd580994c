//! Generates the clients and servers from `proto/`, and the list of the streaming methods.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;

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

    let set = prost_types::FileDescriptorSet::decode(fs::read(&descriptors)?.as_slice())?;
    fs::write(out.join("streaming.rs"), streaming_methods(&set)?)?;
    println!("cargo::rerun-if-changed=proto");
    Ok(())
}

fn streaming_methods(set: &prost_types::FileDescriptorSet) -> Result<String, std::fmt::Error> {
    let mut list = String::from("&[");
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                if method.client_streaming() || method.server_streaming() {
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
