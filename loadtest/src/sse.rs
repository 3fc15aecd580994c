//! A parser of server-sent events (HTML standard, section 9.2.6) that takes chunks of any size.

use std::collections::VecDeque;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; `message` when the server sends none.
    pub name: String,
    /// Its id; empty when the server sends none.
    pub id: String,
    /// Its lines of data, joined by line feeds.
    pub data: String,
}

/// A parser of an event stream.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    after_carriage_return: bool,
    event: Event,
    has_data: bool,
}

/// The events of a response body.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    parser: Parser,
    ready: VecDeque<Event>,
}

// === impl Parser ===

impl Parser {
    /// Adds a chunk and returns the events that it completes.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for &byte in chunk {
            let follows_return = std::mem::take(&mut self.after_carriage_return);
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => {
                    self.after_carriage_return = byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_of_line(&String::from_utf8_lossy(&line)));
                }
                _ => self.line.push(byte),
            }
        }
        events
    }

    fn end_of_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then(|| Event {
                name: if event.name.is_empty() {
                    "message".to_owned()
                } else {
                    event.name
                },
                ..event
            });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "id" => value.clone_into(&mut self.event.id),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // An empty field name is a comment. Unknown fields are ignored, as the standard says.
            _ => {}
        }
        None
    }
}

// === impl Events ===

impl Events {
    /// The events of `body`.
    pub fn new(body: Incoming) -> Self {
        Self {
            body,
            parser: Parser::default(),
            ready: VecDeque::new(),
        }
    }

    /// The next event; `None` when the server has ended the stream.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn next(&mut self) -> Result<Option<Event>, hyper::Error> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let data: Bytes = frame?.into_data().unwrap_or_default();
            self.ready.extend(self.parser.push(&data));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Event, Parser};

    fn event(name: &str, id: &str, data: &str) -> Event {
        Event {
            name: name.to_owned(),
            id: id.to_owned(),
            data: data.to_owned(),
        }
    }

    const STREAM: &str = ": hello\n\nevent: auction\nid: 7\ndata: {\"a\":1}\n\ndata: one\r\ndata: two\r\n\r\nevent: nothing\n\nid:8\rdata\r\r";

    fn expected() -> Vec<Event> {
        vec![
            event("auction", "7", "{\"a\":1}"),
            event("message", "", "one\ntwo"),
            event("message", "8", ""),
        ]
    }

    #[test]
    fn an_event_ends_with_an_empty_line_and_a_comment_is_none() {
        assert_eq!(Parser::default().push(STREAM.as_bytes()), expected());
    }

    proptest! {
        #[test]
        fn the_size_of_the_chunks_does_not_matter(sizes in proptest::collection::vec(1_usize..9, 1..60)) {
            let mut parser = Parser::default();
            let mut rest = STREAM.as_bytes();
            let mut events = Vec::new();
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (chunk, after) = rest.split_at((*size).min(rest.len()));
                events.extend(parser.push(chunk));
                rest = after;
            }
            prop_assert_eq!(events, expected());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Parser::default().push(&bytes);
        }
    }
}
