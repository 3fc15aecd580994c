//! Server-sent events, told apart as the HTML standard reads them (9.2.6, interpreting an event stream).

use crate::layers::stream::Framing;

const DATA: &[u8; 4] = b"data";

/// Where in the stream we are. An event is complete with the empty line after it, and one without data, such as a
/// comment that keeps the connection alive, is none.
#[derive(Debug, Default)]
pub(super) struct ServerSentEvents {
    line: Line,
    has_data: bool,
    // A line feed that comes now belongs to the line's end before it.
    after_return: bool,
}

/// What the line is so far.
#[derive(Debug, Default)]
enum Line {
    #[default]
    Empty,
    /// So many letters of the field's name.
    MaybeData(usize),
    Data,
    Other,
}

impl Framing for ServerSentEvents {
    fn completed(&mut self, bytes: &[u8]) -> u32 {
        bytes.iter().map(|byte| u32::from(self.push(*byte))).sum()
    }
}

impl ServerSentEvents {
    /// Whether an event is complete with this byte.
    fn push(&mut self, byte: u8) -> bool {
        let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
        match byte {
            b'\n' if after_return => false,
            b'\n' | b'\r' => match std::mem::take(&mut self.line) {
                Line::Empty => std::mem::take(&mut self.has_data),
                Line::Data => {
                    self.has_data = true;
                    false
                }
                Line::MaybeData(letters) => {
                    self.has_data |= letters == DATA.len();
                    false
                }
                Line::Other => false,
            },
            _ => {
                self.line = self.line.after(byte);
                false
            }
        }
    }
}

impl Line {
    fn after(&self, byte: u8) -> Self {
        match self {
            Self::Empty if byte == DATA[0] => Self::MaybeData(1),
            Self::MaybeData(letters) if DATA.get(*letters) == Some(&byte) => {
                Self::MaybeData(letters + 1)
            }
            Self::MaybeData(letters) if *letters == DATA.len() && byte == b':' => Self::Data,
            Self::Data => Self::Data,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(text: &str) -> u32 {
        ServerSentEvents::default().completed(text.as_bytes())
    }

    #[test]
    fn an_event_is_what_has_data_and_an_empty_line_after_it() {
        for (text, events) in [
            ("data: 1\n\n", 1),
            ("event: bid\nid: 7\ndata: 1\ndata: 2\n\n", 1),
            ("data\n\n", 1),
            ("data:\n\ndata:\n\n", 2),
            ("data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n", 3),
            (":\n\n", 0),
            (": data: 1\n\n", 0),
            ("event: bid\n\n", 0),
            ("database: 1\n\n", 0),
            ("dat: 1\n\n", 0),
            ("data: 1\n", 0),
            ("data: 1\r\n", 0),
            ("\n\n\n\n", 0),
        ] {
            assert_eq!(count(text), events, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_events_are_the_same(
            text in "(data|:|x|\r|\n){0,40}",
            cut: prop::sample::Index,
        ) {
            let mut cut_up = ServerSentEvents::default();
            let (head, tail) = text.as_bytes().split_at(cut.index(text.len() + 1));
            prop_assert_eq!(cut_up.completed(head) + cut_up.completed(tail), count(&text));
        }
    }
}
