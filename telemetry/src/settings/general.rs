//! Variables for the whole process: strict mode, resource, propagators, baggage.

use opentelemetry::KeyValue;

use super::Propagator;
use super::value::{self, BOOLEAN, one_of};
use super::variable::{Environment, Parsed, Section, Unfit, Variable};
use crate::token::is_token;

pub(super) const SECTION: Section = Section {
    title: "The process",
    variables: &[
        &DISABLED,
        &STRICT,
        &CONFIG_FILE,
        &EXPERIMENTAL_CONFIG_FILE,
        &SERVICE_NAME,
        &RESOURCE_ATTRIBUTES,
        &PROPAGATORS,
        &BAGGAGE_ATTRIBUTES,
    ],
};

pub(super) const DISABLED: Variable<bool> = Variable {
    name: "OTEL_SDK_DISABLED",
    default: "false",
    expected: BOOLEAN,
    purpose: "No span is made. Contexts still travel; metrics and logs stay.",
    parse: value::boolean,
};

pub(super) const STRICT: Variable<bool> = Variable {
    name: "TELEMETRY_STRICT",
    default: "false",
    expected: BOOLEAN,
    purpose: "A variable that cannot be used is an error at start-up.",
    parse: value::boolean,
};

const CONFIG_FILE: Variable<()> = Variable {
    name: "OTEL_CONFIG_FILE",
    default: "",
    expected: "nothing, since configuration files are not read: set the variables",
    purpose: "Not supported.",
    parse: |_| Err(Unfit::Form),
};

const EXPERIMENTAL_CONFIG_FILE: Variable<()> = Variable {
    name: "OTEL_EXPERIMENTAL_CONFIG_FILE",
    purpose: "Not supported; the earlier name of `OTEL_CONFIG_FILE`.",
    ..CONFIG_FILE
};

pub(super) const SERVICE_NAME: Variable<String> = Variable {
    name: "OTEL_SERVICE_NAME",
    default: "",
    expected: "a name",
    purpose: "The service's name, before `service.name` in `OTEL_RESOURCE_ATTRIBUTES` and before the one that the program gives.",
    parse: value::text,
};

pub(super) const RESOURCE_ATTRIBUTES: Variable<Vec<KeyValue>> = Variable {
    name: "OTEL_RESOURCE_ATTRIBUTES",
    default: "",
    expected: "KEY=VALUE,KEY=VALUE, with `,` `;` `%` and `=` percent-encoded",
    purpose: "Attributes of the resource.",
    parse: resource_attributes,
};

pub(super) const PROPAGATORS: Variable<Vec<Propagator>> = Variable {
    name: "OTEL_PROPAGATORS",
    default: "tracecontext,baggage",
    expected: "none, or a list of tracecontext, baggage, b3, b3multi, jaeger",
    purpose: "The forms in which a context travels, in this order.",
    parse: propagators,
};

pub(super) const BAGGAGE_ATTRIBUTES: Variable<Vec<String>> = Variable {
    name: "TELEMETRY_BAGGAGE_ATTRIBUTES",
    default: "",
    expected: "KEY,KEY, each a token as W3C Baggage has it",
    purpose: "The members of the baggage that become attributes of every span, beside those that the program names.",
    parse: baggage_attributes,
};

/// A configuration file is refused, whichever variable names it.
pub(super) fn refuse_files(environment: &mut Environment) {
    environment.first([&CONFIG_FILE, &EXPERIMENTAL_CONFIG_FILE]);
}

fn resource_attributes(value: &str) -> Parsed<Vec<KeyValue>> {
    let pairs = value::pairs(value)?;
    Ok(pairs
        .into_iter()
        .map(|(key, value)| KeyValue::new(key, value))
        .collect())
}

fn propagators(value: &str) -> Parsed<Vec<Propagator>> {
    if value.eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    let mut propagators = Vec::new();
    for name in value.split(',').map(str::trim) {
        let propagator = one_of(
            name,
            &[
                ("tracecontext", Some(Propagator::TraceContext)),
                ("baggage", Some(Propagator::Baggage)),
                ("b3", Some(Propagator::B3)),
                ("b3multi", Some(Propagator::B3Multi)),
                ("jaeger", Some(Propagator::Jaeger)),
                ("xray", None),
                ("ottrace", None),
            ],
        )?;
        let propagator =
            propagator.ok_or_else(|| Unfit::Because(format!("{name} is not supported")))?;
        if !propagators.contains(&propagator) {
            propagators.push(propagator);
        }
    }
    Ok(propagators)
}

fn baggage_attributes(value: &str) -> Parsed<Vec<String>> {
    value
        .split(',')
        .map(str::trim)
        .map(|key| is_token(key.as_bytes()).then(|| key.to_owned()))
        .collect::<Option<_>>()
        .ok_or(Unfit::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn propagators_keep_their_order_and_are_there_once() {
        assert_eq!(
            propagators("B3, tracecontext,b3,jaeger,b3multi,baggage"),
            Ok(vec![
                Propagator::B3,
                Propagator::TraceContext,
                Propagator::Jaeger,
                Propagator::B3Multi,
                Propagator::Baggage,
            ])
        );
        assert_eq!(propagators("None"), Ok(Vec::new()));
    }

    #[test]
    fn keys_of_the_baggage_are_tokens_and_one_that_is_none_spoils_the_list() {
        let keys = vec!["tenant".to_owned(), "a.b".to_owned()];
        assert_eq!(baggage_attributes("tenant, a.b"), Ok(keys));
        for list in ["tenant,", "a b", "a=b", "café"] {
            assert_eq!(baggage_attributes(list), Err(Unfit::Form), "{list}");
        }
    }

    #[test]
    fn a_propagator_that_is_not_here_spoils_the_list() {
        for name in ["xray", "ottrace"] {
            assert_eq!(
                propagators(&format!("tracecontext,{name}")),
                Err(Unfit::Because(format!("{name} is not supported")))
            );
        }
        for list in ["w3c", "tracecontext,", "none,baggage"] {
            assert_eq!(propagators(list), Err(Unfit::Form), "{list}");
        }
    }
}
