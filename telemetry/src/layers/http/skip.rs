//! Which requests a server makes no span of.

use std::sync::Arc;

use http::{HeaderMap, Method, Uri};

type Predicate = dyn Fn(&Method, &Uri, &HeaderMap) -> bool + Send + Sync;

/// The requests that are skipped: by their whole path, by the first segments of it, or by a predicate.
#[derive(Clone, Default)]
pub(super) struct Skip {
    pub(super) paths: &'static [&'static str],
    pub(super) prefixes: &'static [&'static str],
    pub(super) predicate: Option<Arc<Predicate>>,
}

// === impl Skip ===

impl Skip {
    /// Whether the request of this method, URI and headers is one.
    pub(super) fn has(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        let path = uri.path();
        self.paths.contains(&path)
            || self.prefixes.iter().any(|prefix| begins(path, prefix))
            || self
                .predicate
                .as_ref()
                .is_some_and(|predicate| predicate(method, uri, headers))
    }
}

impl std::fmt::Debug for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Skip")
            .field("paths", &self.paths)
            .field("prefixes", &self.prefixes)
            .field("predicate", &self.predicate.is_some())
            .finish()
    }
}

/// Whether the first segments of a path are those of `prefix`.
fn begins(path: &str, prefix: &str) -> bool {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_of_whole_segments() {
        for (path, prefix, is_one) in [
            ("/static", "/static", true),
            ("/static/", "/static", true),
            ("/static/a.css", "/static", true),
            ("/static/a.css", "/static/", true),
            ("/static", "/static/", true),
            ("/statics", "/static", false),
            ("/a/static", "/static", false),
            ("/anything", "/", true),
        ] {
            assert_eq!(begins(path, prefix), is_one, "{path} {prefix}");
        }
    }
}
