//! What a variable is, and the environment that variables are read from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;

use super::rejected::Rejected;
use super::{SECTIONS, unknown};

/// What this crate's own variables begin with, as they are declared and unless the program names a vendor.
pub(super) const OWN_PREFIX: &str = "TELEMETRY_";

/// One variable: its declaration is all that the reading, the warnings and the page need.
pub(super) struct Variable<T: 'static> {
    pub(super) name: &'static str,
    /// As one would write it; empty when there is none.
    pub(super) default: &'static str,
    /// What is right, to follow "expected".
    pub(super) expected: &'static str,
    /// One sentence for the page.
    pub(super) purpose: &'static str,
    pub(super) parse: fn(&str) -> Parsed<T>,
}

/// The variables of one subject, as the page has them.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) variables: &'static [&'static (dyn Declared + Sync)],
}

/// A variable of any type.
pub(super) trait Declared {
    fn name(&self) -> &'static str;

    fn default(&self) -> &'static str;

    fn expected(&self) -> &'static str;

    fn purpose(&self) -> &'static str;

    /// Whether the default can be read.
    #[cfg(test)]
    fn default_is_right(&self) -> bool;
}

pub(super) type Parsed<T> = Result<T, Unfit>;

/// Why a value cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is not what is expected.
    Form,
    /// It is, but cannot be used for this reason.
    Because(String),
}

/// The variables of a process, and those of them that could not be used so far.
pub(super) struct Environment {
    /// What this crate's own variables begin with in this process, in the place of [`OWN_PREFIX`].
    prefix: String,
    given: BTreeMap<String, String>,
    rejected: Vec<Rejected>,
}

// === impl Variable ===

impl<T> Variable<T> {
    /// The default of a variable that has one.
    pub(super) fn default_value(&self) -> T {
        let Ok(value) = (self.parse)(self.default) else {
            panic!("the default of {} can be read", self.name);
        };
        value
    }
}

impl<T> Declared for Variable<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> &'static str {
        self.default
    }

    fn expected(&self) -> &'static str {
        self.expected
    }

    fn purpose(&self) -> &'static str {
        self.purpose
    }

    #[cfg(test)]
    fn default_is_right(&self) -> bool {
        self.default.is_empty() || (self.parse)(self.default).is_ok()
    }
}

// === impl Environment ===

impl Environment {
    /// Reads `variables`, of which this crate's own begin with the name of `vendor` in capitals. An empty value is no
    /// value, and so is one of white space.
    pub(super) fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        vendor: &str,
    ) -> Self {
        let mut environment = Self {
            prefix: format!("{}_", vendor.to_ascii_uppercase()),
            given: BTreeMap::new(),
            rejected: Vec::new(),
        };
        for (name, value) in variables {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.to_str().map(str::trim) {
                Some("") => {}
                Some(value) => {
                    environment.given.insert(name, value.to_owned());
                }
                None => {
                    let declared = environment.declared(&name);
                    if declared.is_some() {
                        environment.rejected.push(Rejected::new(
                            &name,
                            declared,
                            &value.to_string_lossy(),
                            "text in UTF-8".to_owned(),
                        ));
                    }
                }
            }
        }
        environment
    }

    /// The value of a variable, when it has one that can be used. To be asked once for each variable.
    pub(super) fn get<T>(&mut self, variable: &Variable<T>) -> Option<T> {
        let parsed = (variable.parse)(self.given.get(&*self.spelled(variable.name))?);
        parsed.map_err(|unfit| self.reject(variable, unfit)).ok()
    }

    /// The same, and what `convert` makes of it.
    pub(super) fn get_as<T, U>(
        &mut self,
        variable: &Variable<T>,
        convert: impl FnOnce(T) -> Parsed<U>,
    ) -> Option<U> {
        let converted = convert(self.get(variable)?);
        converted.map_err(|unfit| self.reject(variable, unfit)).ok()
    }

    /// The same as [`get`](Self::get), with the default in place of what is not there.
    pub(super) fn get_or_default<T>(&mut self, variable: &Variable<T>) -> T {
        self.first_or_default([variable])
    }

    /// The first of these variables that has a value that can be used; all of them are read.
    pub(super) fn first<T, const N: usize>(&mut self, variables: [&Variable<T>; N]) -> Option<T> {
        let values = variables.map(|variable| self.get(variable));
        values.into_iter().flatten().next()
    }

    /// The same, with their default, which is one for them all, in place of what is not there.
    pub(super) fn first_or_default<T, const N: usize>(
        &mut self,
        variables: [&Variable<T>; N],
    ) -> T {
        self.first(variables)
            .unwrap_or_else(|| variables[0].default_value())
    }

    pub(super) fn is_given<T>(&self, variable: &Variable<T>) -> bool {
        self.given.contains_key(&*self.spelled(variable.name))
    }

    /// Puts down that a variable's value cannot be used.
    pub(super) fn reject<T>(&mut self, variable: &Variable<T>, unfit: Unfit) {
        let name = self.spelled(variable.name);
        let value = self.given.get(&*name).map_or("", String::as_str);
        let expected = match unfit {
            Unfit::Form => variable.expected.to_owned(),
            Unfit::Because(reason) => format!("{}; {reason}", variable.expected),
        };
        let rejected = Rejected::new(&name, Some(variable.name), value, expected);
        self.put_down(rejected);
    }

    /// Puts down something else that cannot be used.
    pub(super) fn put_down(&mut self, rejected: Rejected) {
        self.rejected.push(rejected);
    }

    /// What cannot be used, with the variables that nobody knows.
    pub(super) fn take_rejected(&mut self) -> Vec<Rejected> {
        let unknown = self.given.iter().filter_map(|(name, value)| {
            let expected = unknown::explain(name, &self.prefix)?;
            Some(Rejected::new(name, None, value, expected))
        });
        self.rejected.extend(unknown);
        std::mem::take(&mut self.rejected)
    }

    /// The name under which the process has a declared variable.
    fn spelled(&self, declared: &'static str) -> Cow<'static, str> {
        match declared.strip_prefix(OWN_PREFIX) {
            Some(rest) => Cow::Owned(format!("{}{rest}", self.prefix)),
            None => Cow::Borrowed(declared),
        }
    }

    /// The declared name of a variable that the process has under `name`.
    fn declared(&self, name: &str) -> Option<&'static str> {
        all()
            .map(Declared::name)
            .find(|declared| self.spelled(declared) == name)
    }
}

/// Every variable that is read.
pub(super) fn all() -> impl Iterator<Item = &'static (dyn Declared + Sync)> {
    SECTIONS
        .iter()
        .flat_map(|section| section.variables)
        .copied()
}
