//! The programs of others that tests run: named by a variable, else found where `make test` keeps them.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The program that the variable names, or the one at `kept` in the cache.
pub(crate) fn find(variable: &str, kept: &str) -> PathBuf {
    let cache = std::env::var_os("BIDTRACE_CACHE")
        .map(PathBuf::from)
        .or_else(|| {
            let base = std::env::var_os("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
            Some(base.join("bidtrace"))
        });
    std::env::var_os(variable)
        .map(PathBuf::from)
        .into_iter()
        .chain(cache.map(|cache| cache.join(kept)))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{kept} is not there: run `make test`, or set {variable} to it"))
}

/// What a program says of its input, which it must take.
#[allow(dead_code)] // Not every test that runs a program has something for it to read.
pub(crate) fn fed(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(input).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}{}\non\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(input),
    );
    output.stdout
}
