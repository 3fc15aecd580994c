//! The keys of attributes, each with the type of its values: what the registry does not declare does not compile.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

/// The key of an attribute that a registry declares, and the type of its values.
///
/// `T` is `str`, `i64`, `f64`, `bool`, a slice of one of them for an array (`[String]` for texts), the generated type of
/// a closed set of values, or [`Open`] of such a type. Generated code makes the keys; [`with`](Self::with) makes
/// attributes of them.
pub struct AttributeKey<T: ?Sized> {
    name: &'static str,
    values: PhantomData<fn(&T)>,
}

/// The first part of the keys of an attribute that is declared as a template: `http.request.header`.
pub struct AttributeTemplate<T: ?Sized> {
    prefix: &'static str,
    values: PhantomData<fn(&T)>,
}

/// The values of an attribute that are known, or any other text.
#[derive(Debug)]
pub struct Open<E>(PhantomData<E>);

/// The generated type of a set of values.
pub trait AttributeEnum: Copy {
    /// As it is recorded.
    fn as_str(self) -> &'static str;
}

/// A value that an attribute of type `T` may have.
pub trait AttributeValue<'v, T: ?Sized> {
    /// The value without its type.
    fn into_raw(self) -> RawValue<'v>;
}

/// An attribute that a registry declares, with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute(KeyValue);

/// A text that comes from the service's own code, and so has no secret that must be left out: a route, a name.
#[derive(Debug, Clone, Copy)]
pub struct FromCode<'v>(pub &'v str);

/// The value of an attribute, before it is written.
#[derive(Debug)]
pub enum RawValue<'v> {
    /// A text of the program.
    Static(&'static str),
    /// A text that has no secret in it.
    FromCode(&'v str),
    /// Any text.
    Text(&'v str),
    /// Any text that is given away.
    Owned(StringValue),
    /// `int`.
    Integer(i64),
    /// `double`.
    Double(f64),
    /// `boolean`.
    Flag(bool),
    /// An array.
    Array(Array),
}

// === impl AttributeKey ===

impl<T: ?Sized> AttributeKey<T> {
    /// A key that a registry declares with values of this type: for generated code only.
    pub const fn declared(name: &'static str) -> Self {
        Self {
            name,
            values: PhantomData,
        }
    }

    /// `http.route`.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The attribute with this value.
    pub fn with<'v>(self, value: impl AttributeValue<'v, T>) -> Attribute {
        Attribute(KeyValue::new(self.name, value.into_raw().into_value()))
    }
}

impl<T: ?Sized> Clone for AttributeKey<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for AttributeKey<T> {}

impl<T: ?Sized> fmt::Debug for AttributeKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T: ?Sized> From<AttributeKey<T>> for Key {
    fn from(key: AttributeKey<T>) -> Self {
        Self::from_static_str(key.name)
    }
}

// === impl AttributeTemplate ===

impl<T: ?Sized> AttributeTemplate<T> {
    /// A template that a registry declares with values of this type: for generated code only.
    pub const fn declared(prefix: &'static str) -> Self {
        Self {
            prefix,
            values: PhantomData,
        }
    }

    /// `http.request.header`.
    pub const fn prefix(self) -> &'static str {
        self.prefix
    }

    /// The key for what goes by this name: `http.request.header.{name}`.
    pub fn key(self, name: &str) -> Key {
        Key::from(format!("{}.{name}", self.prefix))
    }
}

impl<T: ?Sized> Clone for AttributeTemplate<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for AttributeTemplate<T> {}

impl<T: ?Sized> fmt::Debug for AttributeTemplate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix)
    }
}

// === impl Attribute ===

impl From<Attribute> for KeyValue {
    fn from(attribute: Attribute) -> Self {
        attribute.0
    }
}

// === impl RawValue ===

impl RawValue<'_> {
    fn into_value(self) -> Value {
        match self {
            Self::Static(text) => Value::String(text.into()),
            Self::FromCode(text) | Self::Text(text) => Value::String(text.to_owned().into()),
            Self::Owned(text) => Value::String(text),
            Self::Integer(number) => Value::I64(number),
            Self::Double(number) => Value::F64(number),
            Self::Flag(flag) => Value::Bool(flag),
            Self::Array(values) => Value::Array(values),
        }
    }
}

// === impl AttributeValue ===

impl<'v> AttributeValue<'v, str> for &'v str {
    fn into_raw(self) -> RawValue<'v> {
        RawValue::Text(self)
    }
}

impl<'v> AttributeValue<'v, str> for &'v String {
    fn into_raw(self) -> RawValue<'v> {
        RawValue::Text(self)
    }
}

impl<'v> AttributeValue<'v, str> for String {
    fn into_raw(self) -> RawValue<'v> {
        RawValue::Owned(self.into())
    }
}

impl<'v> AttributeValue<'v, str> for Cow<'static, str> {
    fn into_raw(self) -> RawValue<'v> {
        match self {
            Self::Borrowed(text) => RawValue::Static(text),
            Self::Owned(text) => RawValue::Owned(text.into()),
        }
    }
}

impl<'v> AttributeValue<'v, str> for FromCode<'v> {
    fn into_raw(self) -> RawValue<'v> {
        RawValue::FromCode(self.0)
    }
}

impl<'v, E: AttributeEnum> AttributeValue<'v, E> for E {
    fn into_raw(self) -> RawValue<'v> {
        RawValue::Static(self.as_str())
    }
}

impl<'v, E: AttributeEnum> AttributeValue<'v, Open<E>> for E {
    fn into_raw(self) -> RawValue<'v> {
        RawValue::Static(self.as_str())
    }
}

/// Any text is a value of an open set.
macro_rules! text_of_an_open_set {
    ($($text:ty),*) => {$(
        impl<'v, E: AttributeEnum> AttributeValue<'v, Open<E>> for $text {
            fn into_raw(self) -> RawValue<'v> {
                AttributeValue::<str>::into_raw(self)
            }
        }
    )*};
}

text_of_an_open_set!(&'v str, &'v String, String, Cow<'static, str>, FromCode<'v>);

macro_rules! integer {
    ($($number:ty),*) => {$(
        impl<'v> AttributeValue<'v, i64> for $number {
            fn into_raw(self) -> RawValue<'v> {
                RawValue::Integer(i64::from(self))
            }
        }
    )*};
}

integer!(i64, i32, u32, u16, u8);

/// What is beyond the range of an attribute is its end.
macro_rules! unsigned {
    ($($number:ty),*) => {$(
        impl<'v> AttributeValue<'v, i64> for $number {
            fn into_raw(self) -> RawValue<'v> {
                RawValue::Integer(i64::try_from(self).unwrap_or(i64::MAX))
            }
        }
    )*};
}

unsigned!(u64, usize);

impl<'v> AttributeValue<'v, f64> for f64 {
    fn into_raw(self) -> RawValue<'v> {
        RawValue::Double(self)
    }
}

impl<'v> AttributeValue<'v, bool> for bool {
    fn into_raw(self) -> RawValue<'v> {
        RawValue::Flag(self)
    }
}

macro_rules! array {
    ($($list:ty => $of:ty),*) => {$(
        impl<'v> AttributeValue<'v, [$of]> for $list {
            fn into_raw(self) -> RawValue<'v> {
                RawValue::Array(Array::from(self))
            }
        }
    )*};
}

array!(Vec<StringValue> => String, Vec<i64> => i64, Vec<f64> => f64, Vec<bool> => bool);

impl<'v> AttributeValue<'v, [String]> for Vec<String> {
    fn into_raw(self) -> RawValue<'v> {
        let texts: Vec<StringValue> = self.into_iter().map(Into::into).collect();
        RawValue::Array(texts.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::signals::attributes::{
        HTTP_REQUEST_HEADER, HTTP_REQUEST_METHOD, HTTP_ROUTE, SERVER_PORT, TELEMETRY_KEEP,
    };
    use crate::metrics::signals::{HttpRequestMethod, KnownErrorType, attributes};

    fn pair(attribute: Attribute) -> (String, Value) {
        let KeyValue { key, value, .. } = attribute.into();
        (key.to_string(), value)
    }

    #[test]
    fn an_attribute_has_the_key_and_the_type_that_the_registry_declares() {
        let declared = [
            (HTTP_ROUTE.with("/dishes"), "http.route", "/dishes".into()),
            (SERVER_PORT.with(443_u16), "server.port", 443_i64.into()),
            (TELEMETRY_KEEP.with(true), "telemetry.keep", true.into()),
            (
                HTTP_REQUEST_METHOD.with(HttpRequestMethod::Other),
                "http.request.method",
                "_OTHER".into(),
            ),
        ];
        for (attribute, key, value) in declared {
            assert_eq!(pair(attribute), (key.to_owned(), value));
        }
        let header = HTTP_REQUEST_HEADER.key("x-table");
        assert_eq!(header.as_str(), "http.request.header.x-table");
    }

    #[test]
    fn an_open_set_takes_its_known_values_and_any_text() {
        let key = attributes::ERROR_TYPE;
        let known = pair(key.with(KnownErrorType::Cancelled));
        assert_eq!(known, pair(key.with("cancelled")));
        assert_eq!(pair(key.with("burnt")).1, "burnt".into());
    }

    #[test]
    fn a_number_beyond_the_range_of_an_attribute_is_its_end() {
        let port = pair(SERVER_PORT.with(u64::MAX)).1;
        assert_eq!(port, i64::MAX.into());
    }
}
