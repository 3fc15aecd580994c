//! What a command reports: where something is wrong, what, and what to do.

use std::fmt::Write as _;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// A file or folder, from the top of the repository.
    pub(crate) place: String,
    pub(crate) wrong: String,
    pub(crate) remedy: String,
}

/// The findings for a person. What to do stands once below neighbours that need the same.
pub(crate) fn report(findings: &[Finding]) -> String {
    let mut text = String::new();
    for group in findings.chunk_by(|one, next| one.remedy == next.remedy) {
        for Finding { place, wrong, .. } in group {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{place}: {wrong}");
        }
        if let Some(Finding { remedy, .. }) = group.first() {
            let _ = writeln!(text, "  what to do: {remedy}");
        }
    }
    text
}

// === impl Finding ===

impl Finding {
    pub(crate) fn new(
        place: impl Into<String>,
        wrong: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            wrong: wrong.into(),
            remedy: remedy.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_is_told_and_what_to_do_once_for_those_that_need_the_same() {
        let finding = |place, remedy| Finding::new(place, "wrong", remedy);
        let findings = [
            finding("one.rs", "mend"),
            finding("two.rs", "mend"),
            finding("three.rs", "lock"),
        ];
        assert_eq!(
            report(&findings),
            "one.rs: wrong\ntwo.rs: wrong\n  what to do: mend\nthree.rs: wrong\n  what to do: lock\n"
        );
    }
}
