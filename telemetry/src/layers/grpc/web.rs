//! gRPC-Web: calls from browsers, which see no trailers. The status is in the last frame of the body.

use http::{HeaderMap, HeaderValue, header};

use super::messages::Messages;
use super::status::Status;
use crate::layers::headers;

/// How a response of gRPC-Web is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/grpc-web`.
    Binary,
    /// `application/grpc-web-text`: the same in Base64.
    Text,
}

/// Reads the body of a response as far as the status in its last frame.
#[derive(Debug)]
pub(super) struct WebBody(Messages);

/// Decodes Base64 that comes in pieces. Each piece of the body may end with padding of its own.
#[derive(Debug, Default)]
pub(super) struct Base64 {
    bits: u32,
    // The number of characters of a group of four that were read.
    characters: u8,
}

// === impl Form ===

impl Form {
    /// The form of a response with these headers; none of one that is not gRPC-Web.
    pub(super) fn of(all: &HeaderMap) -> Option<Self> {
        let kind = headers::first(all, &header::CONTENT_TYPE)?;
        let rest = grpc_kind(kind)?;
        let web = rest.strip_prefix(b"-web")?;
        let text = web.strip_prefix(b"-text");
        ends(text.unwrap_or(web)).then_some(match text {
            Some(_) => Self::Text,
            None => Self::Binary,
        })
    }
}

/// Whether a `content-type` is one of gRPC, or of gRPC-Web.
pub(super) fn is_grpc(kind: &HeaderValue) -> bool {
    grpc_kind(kind).is_some_and(|rest| {
        let rest = rest.strip_prefix(b"-web").unwrap_or(rest);
        ends(rest.strip_prefix(b"-text").unwrap_or(rest))
    })
}

/// What follows `application/grpc`.
fn grpc_kind(kind: &HeaderValue) -> Option<&[u8]> {
    const KIND: &[u8] = b"application/grpc";
    let (start, rest) = kind.as_bytes().split_at_checked(KIND.len())?;
    start.eq_ignore_ascii_case(KIND).then_some(rest)
}

/// Whether the name of the kind ends here: what may follow is the format of messages, or parameters.
fn ends(rest: &[u8]) -> bool {
    matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

// === impl WebBody ===

impl WebBody {
    pub(super) fn new(form: Form) -> Self {
        Self(Messages::of_web(form))
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.0.read(bytes);
    }

    /// The status in the last frame, once that is there.
    pub(super) fn status(&self) -> Option<Status> {
        let lines = self.0.trailers()?.split(|byte| *byte == b'\n');
        let mut values = lines.filter_map(|line| {
            let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':')?);
            let named = name.trim_ascii().eq_ignore_ascii_case(b"grpc-status");
            named.then(|| value[1..].trim_ascii())
        });
        values.next().map(Status::parse)
    }
}

// === impl Base64 ===

impl Base64 {
    /// Decodes the next character, with which a byte may be complete; what is none is skipped.
    pub(super) fn push(&mut self, character: u8) -> Option<u8> {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                *self = Self::default();
                return None;
            }
            _ => return None,
        };
        self.bits = self.bits << 6 | u32::from(value);
        self.characters = (self.characters + 1) % 4;
        // Each character but the first of a group completes a byte.
        let unused = match self.characters {
            2 => 4,
            3 => 2,
            0 => 0,
            _ => return None,
        };
        Some((self.bits >> unused).to_le_bytes()[0])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(kind: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers
    }

    #[test]
    fn kinds_of_content_are_told_apart_as_whole_names() {
        for (kind, form, grpc) in [
            ("application/grpc", None, true),
            ("application/grpc+proto", None, true),
            ("application/grpc;charset=utf-8", None, true),
            ("application/grpc-web", Some(Form::Binary), true),
            ("Application/GRPC-web+proto", Some(Form::Binary), true),
            ("application/grpc-web-text", Some(Form::Text), true),
            ("application/grpc-web-text+proto", Some(Form::Text), true),
            ("application/grpcurl", None, false),
            ("application/grpc-webs", None, false),
            ("application/json", None, false),
            ("", None, false),
        ] {
            assert_eq!(Form::of(&headers(kind)), form, "{kind}");
            assert_eq!(is_grpc(&HeaderValue::from_static(kind)), grpc, "{kind}");
        }
    }

    fn frame(flags: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap();
        [&[flags][..], &length.to_be_bytes(), content].concat()
    }

    fn encoded(bytes: &[u8]) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        bytes
            .chunks(3)
            .map(|group| {
                let mut padded = [0; 4];
                padded[1..=group.len()].copy_from_slice(group);
                let bits = u32::from_be_bytes(padded);
                (0..4)
                    .map(|place| {
                        if place > group.len() {
                            '='
                        } else {
                            LETTERS[(bits >> (18 - 6 * place) & 63) as usize].into()
                        }
                    })
                    .collect::<String>()
            })
            .collect()
    }

    #[test]
    fn the_status_is_that_of_the_last_frame_and_never_of_a_message() {
        let message = frame(0, b"grpc-status:5\r\n");
        for (trailers, status) in [
            (&b"grpc-status:0\r\n"[..], Some(Status::OK)),
            (
                b"grpc-message:no\r\nGrpc-Status: 13\r\n",
                Some(Status::INTERNAL),
            ),
            (b"grpc-status:99\r\n", Some(Status::UNKNOWN)),
            (b"grpc-message:no\r\n", None),
            (b"", None),
        ] {
            let mut body = WebBody::new(Form::Binary);
            body.read(&message);
            assert_eq!(body.status(), None);
            body.read(&frame(0x80, trailers));
            assert_eq!(body.status(), status, "{trailers:?}");
        }
    }

    #[test]
    fn a_last_frame_without_bound_is_not_kept() {
        let mut body = WebBody::new(Form::Binary);
        let mut long = b"grpc-status:0\r\n".to_vec();
        long.resize(1 << 20, b'x');
        body.read(&frame(0x80, &long));
        assert_eq!(body.status(), Some(Status::OK));
        assert!(body.0.trailers().unwrap().len() <= 8 * 1024);
    }

    proptest! {
        #[test]
        fn a_text_is_read_however_it_is_cut_and_padded(
            content: Vec<u8>,
            piece in 1_usize..40,
            cut in 1_usize..40,
        ) {
            let whole = [frame(0, &content), frame(0x80, b"grpc-status:14\r\n")].concat();
            let text: String = whole.chunks(piece).map(encoded).collect();
            let mut body = WebBody::new(Form::Text);
            for bytes in text.as_bytes().chunks(cut) {
                body.read(bytes);
            }
            prop_assert_eq!(body.status(), Some(Status::UNAVAILABLE));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, text: bool) {
            let mut body = WebBody::new(if text { Form::Text } else { Form::Binary });
            body.read(&bytes);
            let _ = body.status();
        }
    }
}
