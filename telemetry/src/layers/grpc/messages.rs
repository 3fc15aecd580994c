//! The messages of a call, told apart in its body.

use crate::layers::stream::Framing;

/// A byte of flags and four of the length come before each message.
const PREFIX: u8 = 5;

/// Where in the body we are.
#[derive(Debug, Default)]
pub(super) struct Messages {
    // So many bytes of the prefix are there, and this is the length as far as they say it.
    prefix: u8,
    length: u32,
}

impl Framing for Messages {
    fn completed(&mut self, mut bytes: &[u8]) -> u32 {
        let mut completed = 0;
        while let Some((first, rest)) = bytes.split_first() {
            if self.prefix < PREFIX {
                if self.prefix > 0 {
                    self.length = self.length << 8 | u32::from(*first);
                }
                self.prefix += 1;
                bytes = rest;
            } else {
                let here = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let taken = self.length.min(here);
                self.length -= taken;
                bytes = &bytes[taken as usize..];
            }
            if self.prefix == PREFIX && self.length == 0 {
                *self = Self::default();
                completed += 1;
            }
        }
        completed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_each_message_is_counted_once(
            lengths in prop::collection::vec(0_usize..300, 0..9),
            piece in 1_usize..64,
        ) {
            let body: Vec<u8> = lengths
                .iter()
                .flat_map(|length| {
                    let mut message = vec![0, 0, 0];
                    message.extend(u16::try_from(*length).unwrap().to_be_bytes());
                    message.resize(message.len() + length, 0xff);
                    message
                })
                .collect();
            let mut messages = Messages::default();
            let counted: u32 = body.chunks(piece).map(|bytes| messages.completed(bytes)).sum();
            prop_assert_eq!(counted as usize, lengths.len());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            Messages::default().completed(&bytes);
        }
    }
}
