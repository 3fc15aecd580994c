//! The parts of protobuf's encoding that spans need (protobuf.dev, "Encoding").

/// A message that is being written: its fields, one after the other, in any order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Message(Vec<u8>);

/// How the value of a field is written.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
    Fixed32 = 5,
}

/// The first number that does not fit into one byte of a varint.
const GROUP: u64 = 0x80;

// === impl Message ===

impl Message {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    #[inline]
    pub(crate) fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    #[inline]
    pub(crate) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.key(field, Wire::Delimited);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A signed number, encoded as `int64`.
    pub(crate) fn integer(&mut self, field: u32, number: i64) {
        self.number(field, number.cast_unsigned());
    }

    #[inline]
    pub(crate) fn number(&mut self, field: u32, number: u64) {
        self.key(field, Wire::Varint);
        self.varint(number);
    }

    pub(crate) fn flag(&mut self, field: u32, flag: bool) {
        self.number(field, u64::from(flag));
    }

    pub(crate) fn double(&mut self, field: u32, number: f64) {
        self.fixed64(field, number.to_bits());
    }

    pub(crate) fn fixed64(&mut self, field: u32, number: u64) {
        self.key(field, Wire::Fixed64);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn fixed32(&mut self, field: u32, number: u32) {
        self.key(field, Wire::Fixed32);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// A nested message. Its length is known once it is written; most are short enough for a length of one byte.
    #[inline]
    pub(crate) fn nested(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.key(field, Wire::Delimited);
        self.0.push(0);
        let start = self.0.len();
        write(self);
        let length = (self.0.len() - start) as u64;
        if length < GROUP {
            self.0[start - 1] = low(length);
            return;
        }
        let mut prefix = Self::default();
        prefix.varint(length);
        self.0.splice(start - 1..start, prefix.0);
    }

    /// A nested message of two texts, of which the second is in a message of its own: an attribute whose value is a text.
    /// Its lengths are known beforehand and take one byte each.
    #[inline]
    pub(crate) fn short_pair(
        &mut self,
        field: u32,
        [key, value, inner]: [u32; 3],
        texts: [&str; 2],
    ) {
        let [first, second] = texts.map(str::len);
        let head = |field| low(u64::from(field << 3 | Wire::Delimited as u32));
        let length = |length: usize| low(length as u64);
        self.0.extend_from_slice(&[
            head(field),
            length(first + second + 6),
            head(key),
            length(first),
        ]);
        self.0.extend_from_slice(texts[0].as_bytes());
        self.0
            .extend_from_slice(&[head(value), length(second + 2), head(inner), length(second)]);
        self.0.extend_from_slice(texts[1].as_bytes());
    }

    /// Removes the first field of this number, at or after `start`, whose contents are those that `matches` looks for.
    /// Returns whether there was one.
    pub(crate) fn remove(
        &mut self,
        start: usize,
        field: u32,
        matches: impl Fn(&[u8]) -> bool,
    ) -> bool {
        let wanted = u64::from(field << 3 | Wire::Delimited as u32);
        let mut rest = self.0.get(start..).unwrap_or_default();
        while let Some((key, contents, after)) = split_field(rest) {
            if key == wanted && matches(contents) {
                let end = self.0.len() - after.len();
                self.0.drain(self.0.len() - rest.len()..end);
                return true;
            }
            rest = after;
        }
        false
    }

    /// All fields of another.
    pub(crate) fn fields(&mut self, of: &Self) {
        self.0.extend_from_slice(&of.0);
    }

    #[inline]
    fn key(&mut self, field: u32, wire: Wire) {
        self.varint(u64::from(field << 3 | wire as u32));
    }

    #[inline]
    fn varint(&mut self, mut number: u64) {
        while number >= GROUP {
            self.0.push(low(number) | 0x80);
            number >>= 7;
        }
        self.0.push(low(number));
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The key of the first field of `bytes`, its contents, and what follows. None at the end.
pub(super) fn split_field(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (key, bytes) = split_varint(bytes)?;
    let (length, bytes) = match key & 7 {
        0 => {
            let (_, after) = split_varint(bytes)?;
            (bytes.len() - after.len(), bytes)
        }
        1 => (8, bytes),
        2 => {
            let (length, bytes) = split_varint(bytes)?;
            (usize::try_from(length).ok()?, bytes)
        }
        _ => (4, bytes),
    };
    let (contents, after) = bytes.split_at_checked(length)?;
    Some((key, contents, after))
}

fn split_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    let (number, after) = bytes.split_at_checked(end + 1)?;
    let groups = number.iter().rev();
    let number = groups.fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f));
    Some((number, after))
}

/// The lowest seven bits.
#[allow(clippy::cast_possible_truncation)] // Seven bits fit.
fn low(number: u64) -> u8 {
    (number & 0x7f) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, int64};

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(field in 1_u32..5000, number: i64) {
            let mut message = Message::default();
            message.integer(field, number);
            let mut bytes = message.as_ref();
            prop_assert_eq!(decode_key(&mut bytes).unwrap(), (field, WireType::Varint));
            let mut read = 0;
            int64::merge(WireType::Varint, &mut read, &mut bytes, DecodeContext::default()).unwrap();
            prop_assert_eq!((read, bytes), (number, &[][..]));
        }

        #[test]
        fn a_message_within_is_as_long_as_is_told(length in 0_usize..40_000) {
            let text = "x".repeat(length);
            let mut message = Message::default();
            message.nested(3, |message| message.text(1, &text));
            let mut bytes = message.as_ref();
            prop_assert_eq!(decode_key(&mut bytes).unwrap(), (3, WireType::LengthDelimited));
            prop_assert_eq!(decode_varint(&mut bytes).unwrap(), bytes.len() as u64);
            prop_assert_eq!(decode_key(&mut bytes).unwrap(), (1, WireType::LengthDelimited));
            prop_assert_eq!(decode_varint(&mut bytes).unwrap(), length as u64);
            prop_assert_eq!(bytes, text.as_bytes());
        }
    }
}
