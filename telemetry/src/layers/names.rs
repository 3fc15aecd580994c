//! Names that become labels, held to a number: who chooses a name need not be who wrote the program.

use std::sync::LazyLock;

use arc_swap::ArcSwap;

/// What stands for every name that is none of those that are known.
pub(crate) const OTHER: &str = "_OTHER";

/// Names that may be labels. A look at them takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Names {
    // Sorted.
    known: ArcSwap<Vec<Box<str>>>,
}

/// Names of one kind in the whole process: the first that come, up to a number.
pub(crate) struct FirstNames {
    names: LazyLock<Names>,
    at_most: usize,
}

// === impl Names ===

impl Names {
    /// These, and `more`.
    pub(crate) fn with<'a>(&self, more: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known = Vec::clone(&self.known.load());
        known.extend(more.into_iter().map(Box::from));
        known.sort_unstable();
        known.dedup();
        Self {
            known: ArcSwap::from_pointee(known),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        find(&self.known.load(), name).is_ok()
    }

    /// Takes a name up while there are fewer than `at_most`. Returns whether it is known now.
    pub(crate) fn learn(&self, name: &str, at_most: usize) -> bool {
        let known = self.known.load();
        match find(&known, name) {
            Ok(_) => return true,
            Err(_) if known.len() >= at_most => return false,
            Err(_) => {}
        }
        self.known.rcu(|known| {
            let mut known = Vec::clone(known);
            if known.len() < at_most
                && let Err(place) = find(&known, name)
            {
                known.insert(place, name.into());
            }
            known
        });
        self.has(name)
    }
}

// === impl FirstNames ===

impl FirstNames {
    pub(crate) const fn new(at_most: usize) -> Self {
        Self {
            names: LazyLock::new(Names::default),
            at_most,
        }
    }

    /// The name, when it is one of the first; otherwise none.
    pub(crate) fn admit<'a>(&self, name: &'a str) -> Option<&'a str> {
        self.names.learn(name, self.at_most).then_some(name)
    }

    /// The name as a label.
    pub(crate) fn label<'a>(&self, name: &'a str) -> &'a str {
        self.admit(name).unwrap_or(OTHER)
    }
}

fn find(known: &[Box<str>], name: &str) -> Result<usize, usize> {
    known.binary_search_by(|known| (**known).cmp(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_names_stay_labels_whatever_comes_after_them() {
        let names = FirstNames::new(3);
        for name in ["orders", "bids", "awards"] {
            assert_eq!(names.label(name), name);
        }
        for guess in 0..1000 {
            assert_eq!(names.label(&format!("guess{guess}")), OTHER);
        }
        assert_eq!(names.label("bids"), "bids");
    }

    #[test]
    fn threads_that_learn_at_once_keep_to_the_number() {
        let names = Names::default();
        let learned: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|thread| {
                    let learn = move |n: usize| names_of(thread, n);
                    let names = &names;
                    scope.spawn(move || (0..100).filter(|n| names.learn(&learn(*n), 50)).count())
                })
                .collect();
            let threads = threads.into_iter();
            threads.map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(learned, 50);
    }

    fn names_of(thread: usize, n: usize) -> String {
        format!("{thread}.{n}")
    }
}
