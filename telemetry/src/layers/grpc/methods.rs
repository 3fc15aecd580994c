//! The methods that a server has. Anybody can call others, by names without bound.

use std::sync::Arc;

use prost::Message;
use prost_types::FileDescriptorSet;

use super::method;
use crate::layers::names::Names;

/// Maximum number of methods that are learned from calls.
const MAX_LEARNED: usize = 200;

/// The bytes are no descriptor set.
#[derive(Debug, thiserror::Error)]
#[error("the bytes are no FileDescriptorSet")]
pub struct InvalidDescriptors(#[from] prost::DecodeError);

/// The methods (`pkg.Service/Method`) of a server, whose names alone become labels and names of spans.
///
/// They are declared, or else learned: a method that has answered OK exists. Clones learn together.
#[derive(Debug, Clone, Default)]
pub(super) struct Methods(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    names: Names,
    // Whether all methods are declared, so that none is learned.
    complete: bool,
}

// === impl Methods ===

impl Methods {
    /// With these too, and whether they are all. `paths` may have their slash in front.
    pub(super) fn with<P: AsRef<str>>(
        &self,
        paths: impl IntoIterator<Item = P>,
        complete: bool,
    ) -> Self {
        let paths: Vec<_> = paths.into_iter().collect();
        let more = paths.iter().map(|path| method(path.as_ref()));
        Self(Arc::new(Known {
            names: self.0.names.with(more),
            complete: complete || self.0.complete,
        }))
    }

    /// With all methods of a `google.protobuf.FileDescriptorSet`, which are then all.
    pub(super) fn described(&self, set: &[u8]) -> Result<Self, InvalidDescriptors> {
        let set = FileDescriptorSet::decode(set)?;
        let mut paths = Vec::new();
        for file in &set.file {
            let package = match file.package() {
                "" => String::new(),
                package => format!("{package}."),
            };
            for service in &file.service {
                let name = service.name();
                let methods = service.method.iter();
                paths.extend(methods.map(|method| format!("{package}{name}/{}", method.name())));
            }
        }
        Ok(self.with(paths, true))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.names.has(name)
    }

    /// Takes the name of a method that has answered OK. Returns whether it is known now.
    pub(super) fn learn(&self, name: &str) -> bool {
        if self.0.complete {
            return self.has(name);
        }
        self.0.names.learn(name, MAX_LEARNED)
    }
}

#[cfg(test)]
mod tests {
    use prost_types::{FileDescriptorProto, MethodDescriptorProto, ServiceDescriptorProto};

    use super::*;

    #[test]
    fn a_method_is_known_once_it_has_answered_and_all_clones_know_it() {
        let methods = Methods::default();
        let clone = methods.clone();
        assert!(!methods.has("shop.v1.Stock/Talk"));
        assert!(clone.learn("shop.v1.Stock/Talk"));
        assert!(clone.learn("shop.v1.Stock/Talk"), "it stays known");
        assert!(methods.has("shop.v1.Stock/Talk"));
        assert!(!methods.has("shop.v1.Stock/Listen"));
    }

    #[test]
    fn a_bounded_number_is_learned_and_what_was_learned_stays() {
        let methods = Methods::default();
        assert!(methods.learn("a.First/Call"));
        let learned = (0..2 * MAX_LEARNED).filter(|n| methods.learn(&format!("guess{n}.Svc/M")));
        assert_eq!(learned.count(), MAX_LEARNED - 1);
        assert!(methods.has("a.First/Call"));
    }

    #[test]
    fn nothing_is_learned_when_all_methods_are_declared() {
        let methods = Methods::default().with(["/shop.v1.Stock/Talk"], true);
        let methods = methods.with(["shop.v1.Stock/Watch"], false);
        assert!(methods.has("shop.v1.Stock/Talk"));
        assert!(methods.has("shop.v1.Stock/Watch"));
        assert!(!methods.learn("guess.Svc/M"));
    }

    #[test]
    fn a_descriptor_set_declares_its_methods_and_other_bytes_are_refused() {
        let file = |package: Option<&str>, service: &str| FileDescriptorProto {
            package: package.map(str::to_owned),
            service: vec![ServiceDescriptorProto {
                name: Some(service.to_owned()),
                method: ["Talk", "Watch"]
                    .map(|name| MethodDescriptorProto {
                        name: Some(name.to_owned()),
                        ..MethodDescriptorProto::default()
                    })
                    .into(),
                ..ServiceDescriptorProto::default()
            }],
            ..FileDescriptorProto::default()
        };
        let set = FileDescriptorSet {
            file: vec![file(Some("shop.v1"), "Stock"), file(None, "Bare")],
        };
        let methods = Methods::default().described(&set.encode_to_vec()).unwrap();
        for name in ["shop.v1.Stock/Talk", "shop.v1.Stock/Watch", "Bare/Talk"] {
            assert!(methods.has(name), "{name}");
        }
        assert!(!methods.learn("shop.v1.Stock/Other"));
        assert!(Methods::default().described(b"\xff\xff").is_err());
    }
}
