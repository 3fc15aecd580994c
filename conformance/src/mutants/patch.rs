//! One patch: what its first lines say, and whether it applies.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::FOLDER;
use crate::Transport;

/// What precedes the names of the transports.
const CAUGHT_BY: &str = "Caught by:";

/// A patch that breaks the code in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The name of the patch, without its extension.
    pub name: String,
    /// The patch.
    pub path: PathBuf,
    /// The transports that must notice it, as the patch names them.
    caught_by: Vec<String>,
}

/// What is wrong with a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The code that it breaks has changed.
    DoesNotApply {
        /// The name of the mutant.
        mutant: String,
        /// What git says.
        answer: String,
    },
    /// It does not say which transports must notice it.
    NoTransport {
        /// The name of the mutant.
        mutant: String,
    },
    /// It names a transport that the matrix does not have.
    UnknownTransport {
        /// The name of the mutant.
        mutant: String,
        /// The transport.
        transport: String,
    },
}

// === impl Mutant ===

impl Mutant {
    /// Reads a patch.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: name.into_owned(),
            path: path.to_owned(),
            caught_by: names(&text),
        })
    }

    /// The transports that must notice it.
    pub fn caught_by(&self) -> impl Iterator<Item = Transport> {
        self.caught_by
            .iter()
            .filter_map(|name| Transport::named(name))
    }

    /// What is wrong with the patch, in the repository whose top is `root`.
    pub(super) fn problems(&self, root: &Path) -> anyhow::Result<Vec<Problem>> {
        let mut problems = self.wrong_names();
        if let Some(answer) = self.refusal(root)? {
            let mutant = self.name.clone();
            problems.push(Problem::DoesNotApply { mutant, answer });
        }
        Ok(problems)
    }

    fn wrong_names(&self) -> Vec<Problem> {
        let mutant = &self.name;
        if self.caught_by.is_empty() {
            return vec![Problem::NoTransport {
                mutant: mutant.clone(),
            }];
        }
        self.caught_by
            .iter()
            .filter(|name| Transport::named(name).is_none())
            .map(|name| Problem::UnknownTransport {
                mutant: mutant.clone(),
                transport: name.clone(),
            })
            .collect()
    }

    /// What git says when the patch does not apply; nothing when it does.
    fn refusal(&self, root: &Path) -> anyhow::Result<Option<String>> {
        let output = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(["apply", "--check"])
            .arg(&self.path)
            .output()
            .context("cannot run git")?;
        let answer = String::from_utf8_lossy(&output.stderr);
        Ok((!output.status.success()).then(|| answer.trim().to_owned()))
    }
}

fn names(text: &str) -> Vec<String> {
    text.lines()
        .take_while(|line| !line.starts_with("diff "))
        .filter_map(|line| line.strip_prefix(CAUGHT_BY))
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

// === impl Problem ===

impl Problem {
    /// The patch, from the top of the repository.
    pub fn place(&self) -> String {
        let (Self::DoesNotApply { mutant, .. }
        | Self::NoTransport { mutant }
        | Self::UnknownTransport { mutant, .. }) = self;
        format!("{FOLDER}/{mutant}.patch")
    }

    /// What is wrong.
    pub fn wrong(&self) -> String {
        match self {
            Self::DoesNotApply { answer, .. } => format!("it does not apply: {answer}"),
            Self::NoTransport { .. } => {
                format!("it has no line `{CAUGHT_BY} ...` before the difference")
            }
            Self::UnknownTransport { transport, .. } => {
                format!("`{transport}` is not a transport of the matrix")
            }
        }
    }

    /// What would be right.
    pub fn remedy(&self) -> String {
        match self {
            Self::DoesNotApply { .. } => "the code that it breaks has changed: break it again as \
                the first line of the patch says, and write the patch anew (docs/conformance.md)"
                .to_owned(),
            Self::NoTransport { .. } | Self::UnknownTransport { .. } => {
                let known = Transport::ALL.map(Transport::name).join(", ");
                format!("name the transports that must notice it, out of: {known}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(text: &str) -> Mutant {
        Mutant {
            name: "broken".to_owned(),
            path: PathBuf::from("broken.patch"),
            caught_by: names(text),
        }
    }

    #[test]
    fn the_transports_that_must_notice_are_read_before_the_difference() {
        let mutant =
            mutant("It breaks.\n\nCaught by: HTTP,  gRPC unary\n\ndiff --git\nCaught by: spawn\n");
        let names: Vec<_> = mutant.caught_by().collect();
        assert_eq!(names, [Transport::Http, Transport::Unary]);
        assert_eq!(mutant.wrong_names(), []);
    }

    #[test]
    fn a_patch_that_names_no_transport_or_an_unknown_one_is_a_problem() {
        assert_eq!(
            mutant("It breaks.\n\ndiff --git\n").wrong_names(),
            [Problem::NoTransport {
                mutant: "broken".to_owned()
            }]
        );
        let problems = mutant("Caught by: HTTP, SMTP\n").wrong_names();
        assert_eq!(
            problems,
            [Problem::UnknownTransport {
                mutant: "broken".to_owned(),
                transport: "SMTP".to_owned()
            }]
        );
        assert_eq!(problems[0].place(), "conformance/mutants/broken.patch");
    }

    #[test]
    fn a_patch_of_code_that_is_not_there_does_not_apply() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent.patch");
        let text = "It breaks.\n\nCaught by: HTTP\n\ndiff --git a/absent.rs b/absent.rs\n\
            --- a/absent.rs\n+++ b/absent.rs\n@@ -1 +1 @@\n-a\n+b\n";
        std::fs::write(&path, text).unwrap();
        let mutant = Mutant::read(&path).unwrap();
        assert!(mutant.refusal(folder.path()).unwrap().is_some());
        std::fs::write(folder.path().join("absent.rs"), "a\n").unwrap();
        assert_eq!(mutant.refusal(folder.path()).unwrap(), None);
    }
}
