//! Declarations of variables, and the environment that they are read from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;

use super::rejected::Rejected;
use super::{SECTIONS, unknown};

/// The prefix of this crate's own variables, as declared; a vendor's name replaces it.
pub(super) const OWN_PREFIX: &str = "TELEMETRY_";

/// The declaration of one variable, for parsing, warnings and the reference page.
pub(super) struct Variable<T: 'static> {
    pub(super) name: &'static str,
    /// As written in an environment; empty when there is none.
    pub(super) default: &'static str,
    /// The expected form, as a phrase after "expected".
    pub(super) expected: &'static str,
    /// One sentence for the reference page.
    pub(super) purpose: &'static str,
    pub(super) parse: fn(&str) -> Parsed<T>,
}

/// One section of the reference page.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) variables: &'static [&'static (dyn Declared + Sync)],
}

/// A variable, independent of its type.
pub(super) trait Declared {
    fn name(&self) -> &'static str;

    fn default(&self) -> &'static str;

    fn expected(&self) -> &'static str;

    fn purpose(&self) -> &'static str;

    /// Whether the default can be parsed.
    #[cfg(test)]
    fn default_is_right(&self) -> bool;
}

pub(super) type Parsed<T> = Result<T, Unfit>;

/// Why a value is invalid.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It does not have the expected form.
    Form,
    /// It has the expected form, and is invalid for this reason.
    Because(String),
}

/// The variables of a process, and the rejected ones so far.
pub(super) struct Environment {
    /// The prefix of this crate's own variables in this process, in place of [`OWN_PREFIX`].
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
    /// Takes `variables`; this crate's own begin with `vendor` in capitals. An empty or blank value counts as unset.
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

    /// The value of a variable if it is set and valid. Call once per variable: an invalid value is recorded.
    pub(super) fn get<T>(&mut self, variable: &Variable<T>) -> Option<T> {
        let parsed = (variable.parse)(self.given.get(&*self.spelled(variable.name))?);
        parsed.map_err(|unfit| self.reject(variable, unfit)).ok()
    }

    /// The same, converted.
    pub(super) fn get_as<T, U>(
        &mut self,
        variable: &Variable<T>,
        convert: impl FnOnce(T) -> Parsed<U>,
    ) -> Option<U> {
        let converted = convert(self.get(variable)?);
        converted.map_err(|unfit| self.reject(variable, unfit)).ok()
    }

    /// The same as [`get`](Self::get), or else the default.
    pub(super) fn get_or_default<T>(&mut self, variable: &Variable<T>) -> T {
        self.first_or_default([variable])
    }

    /// The first valid value among these variables; all of them are checked.
    pub(super) fn first<T, const N: usize>(&mut self, variables: [&Variable<T>; N]) -> Option<T> {
        let values = variables.map(|variable| self.get(variable));
        values.into_iter().flatten().next()
    }

    /// The same, or else their common default.
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

    /// Records that a variable's value is invalid.
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

    /// Records another invalid setting.
    pub(super) fn put_down(&mut self, rejected: Rejected) {
        self.rejected.push(rejected);
    }

    /// The rejected variables, unknown ones included.
    pub(super) fn take_rejected(&mut self) -> Vec<Rejected> {
        let unknown = self.given.iter().filter_map(|(name, value)| {
            let expected = unknown::explain(name, &self.prefix)?;
            Some(Rejected::new(name, None, value, expected))
        });
        self.rejected.extend(unknown);
        std::mem::take(&mut self.rejected)
    }

    /// The name of a declared variable in this process.
    fn spelled(&self, declared: &'static str) -> Cow<'static, str> {
        match declared.strip_prefix(OWN_PREFIX) {
            Some(rest) => Cow::Owned(format!("{}{rest}", self.prefix)),
            None => Cow::Borrowed(declared),
        }
    }

    /// The declared name of the variable called `name` in this process.
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
