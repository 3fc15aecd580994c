//! Names and numbers as Rust has them.

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// `http.request.method` as `HttpRequestMethod`, `GET` as `Get`.
pub(super) fn camel(name: &str) -> String {
    let mut all = String::new();
    for word in words(name) {
        let shouts = !word.contains(|letter: char| letter.is_ascii_lowercase());
        let (first, rest) = word.split_at(1);
        if all.ends_with(|last: char| last.is_ascii_digit()) && first.parse::<u8>().is_ok() {
            all.push('_');
        }
        all.push_str(&first.to_ascii_uppercase());
        if shouts {
            all.push_str(&rest.to_ascii_lowercase());
        } else {
            all.push_str(rest);
        }
    }
    all
}

/// `http.request.method` as `HTTP_REQUEST_METHOD`.
pub(super) fn screaming(name: &str) -> String {
    words(name)
        .collect::<Vec<_>>()
        .join("_")
        .to_ascii_uppercase()
}

/// `http.request.method` as `http_request_method`; a word of the language as a raw identifier.
pub(super) fn field(key: &str) -> String {
    let name = words(key)
        .collect::<Vec<_>>()
        .join("_")
        .to_ascii_lowercase();
    match name.as_str() {
        "type" | "match" | "move" | "loop" | "ref" | "use" | "in" | "for" | "if" | "as" => {
            format!("r#{name}")
        }
        _ => name,
    }
}

/// A name for a value: one that begins with a digit gets a letter before it.
pub(super) fn variant(id: &str) -> String {
    let name = camel(id);
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("V{name}")
    } else {
        name
    }
}

/// A number as it is read best: `16_384.0`.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:?}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    if whole.len() < 5 {
        return text;
    }
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_those_that_rust_has() {
        assert_eq!(
            camel("http.server.request.duration"),
            "HttpServerRequestDuration"
        );
        assert_eq!(
            screaming("rpc.server.call.duration"),
            "RPC_SERVER_CALL_DURATION"
        );
        assert_eq!(field("http.request.method"), "http_request_method");
        assert_eq!(field("type"), "r#type");
        assert_eq!(variant("GET"), "Get");
        assert_eq!(variant("_OTHER"), "Other");
        assert_eq!(variant("INVALID_ARGUMENT"), "InvalidArgument");
        assert_eq!(variant("1.1"), "V1_1");
        assert_eq!(number(16384.0), "16_384.0");
        assert_eq!(number(1_048_576.0), "1_048_576.0");
        assert_eq!(number(0.005), "0.005");
    }
}
