//! The programs of others that tests run: named by a variable, else found where `make test` keeps them.

use std::path::PathBuf;

/// The program that the variable names, or the one at `kept` in the cache.
pub fn find(variable: &str, kept: &str) -> PathBuf {
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
