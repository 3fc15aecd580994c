//! The messages of a call, told apart in its body.

use super::web::{Base64, Form};
use crate::layers::stream::Framing;

/// A byte of flags and four of the length come before each message.
const PREFIX: u8 = 5;

/// The flag of a frame of gRPC-Web that holds trailers and no message.
const TRAILERS: u8 = 0x80;

/// Maximum number of bytes of trailers that are kept.
const MAX_TRAILERS: usize = 8 * 1024;

/// The position in the body.
#[derive(Debug, Default)]
pub(super) struct Messages {
    // The number of bytes of the prefix that were read, and the flags and the length as far as they say it.
    prefix: u8,
    flags: u8,
    length: u32,
    // Of gRPC-Web only: the decoder of its text form, and the trailers in the body.
    base64: Option<Base64>,
    trailers: Option<Vec<u8>>,
}

impl Framing for Messages {
    fn completed(&mut self, bytes: &[u8]) -> u32 {
        self.read(bytes)
    }
}

impl Messages {
    /// The messages of a response of gRPC-Web, with its trailers.
    pub(super) fn of_web(form: Form) -> Self {
        Self {
            base64: (form == Form::Text).then(Base64::default),
            ..Self::default()
        }
    }

    /// The trailers in the body, once their end is there.
    pub(super) fn trailers(&self) -> Option<&[u8]> {
        let complete = self.prefix == 0;
        self.trailers.as_deref().filter(|_| complete)
    }

    /// Reads on. Returns how many messages are complete with these bytes.
    pub(super) fn read(&mut self, bytes: &[u8]) -> u32 {
        let Some(mut base64) = self.base64.take() else {
            return self.read_frames(bytes);
        };
        let decoded: Vec<u8> = bytes.iter().filter_map(|byte| base64.push(*byte)).collect();
        self.base64 = Some(base64);
        self.read_frames(&decoded)
    }

    fn read_frames(&mut self, mut bytes: &[u8]) -> u32 {
        let mut completed = 0;
        while let Some((first, rest)) = bytes.split_first() {
            if self.prefix < PREFIX {
                if self.prefix == 0 {
                    self.flags = *first;
                } else {
                    self.length = self.length << 8 | u32::from(*first);
                }
                self.prefix += 1;
                bytes = rest;
            } else {
                let here = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let taken = self.length.min(here);
                self.length -= taken;
                let (taken, rest) = bytes.split_at(taken as usize);
                self.keep(taken);
                bytes = rest;
            }
            if self.prefix == PREFIX && self.length == 0 {
                self.prefix = 0;
                if self.flags & TRAILERS == 0 {
                    completed += 1;
                }
            }
        }
        completed
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.flags & TRAILERS != 0 {
            let trailers = self.trailers.get_or_insert_default();
            let room = MAX_TRAILERS - trailers.len();
            trailers.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
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
