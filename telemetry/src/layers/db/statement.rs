//! A statement as spans and metrics show it: its summary, and its text without the values.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use super::summary::summary;
use super::tokens::{Token, Tokens};
use crate::layers::names::{FirstNames, OTHER};

/// Maximum number of statements that are remembered. A program has fewer; what is put together while it runs has no end.
const MAX_STATEMENTS: usize = 5000;

/// The summaries that are labels, as many as the registry declares.
static SUMMARIES: FirstNames = FirstNames::new(500);

/// What stands for every further statement.
static FURTHER: LazyLock<Statement> = LazyLock::new(|| Statement {
    summary: None,
    text: String::new(),
});

/// A statement that was parsed.
#[derive(Debug)]
pub(super) struct Statement {
    // None when there are too many others.
    summary: Option<String>,
    pub(super) text: String,
}

/// The text of a statement with `?` for each of its values: strings, numbers, bytes, and what is in double quotes
/// where that may be a value. Comments are left out, for they may quote values too.
///
/// ```
/// use telemetry::db::sanitized;
///
/// assert_eq!(
///     sanitized("SELECT price FROM dishes WHERE name = 'mapo tofu' AND price < $1 LIMIT 10"),
///     "SELECT price FROM dishes WHERE name = ? AND price < $1 LIMIT ?",
/// );
/// ```
pub fn sanitized(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut tokens = Tokens::of(sql);
    while let Some(token) = tokens.next() {
        if tokens.spaced && !text.is_empty() {
            text.push(' ');
        }
        match token {
            Token::Word(piece) | Token::Backticked(piece) | Token::Placeholder(piece) => {
                text.push_str(piece);
            }
            Token::Literal | Token::Quoted(_) => text.push('?'),
            Token::Sign(sign) => text.push(sign),
        }
    }
    text
}

// === impl Statement ===

impl Statement {
    /// The statement of a text that is written in the program, which is parsed the first time only.
    pub(super) fn of(sql: &'static str) -> &'static Self {
        static KNOWN: LazyLock<RwLock<HashMap<(usize, usize), &'static Statement>>> =
            LazyLock::new(RwLock::default);
        // A text that lives for ever is known by its place.
        let place = (sql.as_ptr().addr(), sql.len());
        let known = KNOWN
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&place)
            .copied();
        known.unwrap_or_else(|| {
            let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MAX_STATEMENTS {
                return &FURTHER;
            }
            known
                .entry(place)
                .or_insert_with(|| Box::leak(Box::new(Self::read(sql))))
        })
    }

    fn read(sql: &str) -> Self {
        let summary = summary(sql);
        Self {
            summary: SUMMARIES.admit(&summary).is_some().then_some(summary),
            text: sanitized(sql),
        }
    }

    /// The summary, unless there are too many others.
    pub(super) fn summary(&self) -> Option<&str> {
        self.summary.as_deref()
    }

    /// The summary as a label.
    pub(super) fn label(&self) -> &str {
        self.summary().unwrap_or(OTHER)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::summary::MAX_SUMMARY;
    use super::*;

    #[test]
    fn a_text_keeps_its_words_and_none_of_its_values() {
        for (sql, expected) in [
            (
                "SELECT a FROM t WHERE b = 'it''s' AND c=-1.5e+10",
                "SELECT a FROM t WHERE b = ? AND c=-?",
            ),
            (
                "SELECT E'a\\nb', X'1F', N'x', U&'y', 0x1f, .5",
                "SELECT ?, ?, ?, ?, ?, ?",
            ),
            (
                "SELECT $tag$ it's $tag$, $$ x $$, $1, ?, :name, @p",
                "SELECT ?, ?, $1, ?, :name, @p",
            ),
            (
                "SELECT a::text, b[1:2] FROM t1",
                "SELECT a::text, b[?:?] FROM t1",
            ),
            (
                "SELECT data #> '{a}' -- 'x'\nFROM t /* 'y' /* 'z' */ */",
                "SELECT data #> ? FROM t",
            ),
            ("SELECT \"a\", `b` FROM t # 'x'", "SELECT ?, `b` FROM t"),
            ("SELECT 'never closed AND secret", "SELECT ?"),
            // As the standard has it the string is a backslash; as MySQL has it, it goes on.
            ("SELECT '\\' OR 'x' FROM t", "SELECT ?"),
            ("SELECT 'ends in two\\\\' FROM t", "SELECT ? FROM t"),
        ] {
            assert_eq!(sanitized(sql), expected, "{sql}");
        }
    }

    #[test]
    fn a_text_that_is_written_in_the_program_is_read_once() {
        const SQL: &str = "SELECT a FROM t";
        assert!(std::ptr::eq(Statement::of(SQL), Statement::of(SQL)));
        assert_eq!(Statement::of(SQL).summary(), Some("SELECT t"));
    }

    /// A value as one may write it, around a word that occurs nowhere else.
    fn literal() -> impl Strategy<Value = String> {
        let filling = "[a-z ,;()%/*-]{0,8}";
        prop_oneof![
            (filling, filling).prop_map(|(a, b)| format!("'{a}S3CRET{b}'")),
            (filling, filling).prop_map(|(a, b)| format!("'{a}''S3CRET\"{b}'")),
            (filling, filling).prop_map(|(a, b)| format!("E'{a}\\\\S3CRET\\n{b}'")),
            (filling, filling).prop_map(|(a, b)| format!("E'{a}\\'S3CRET{b}'")),
            (filling, filling).prop_map(|(a, b)| format!("\"{a}S3CRET{b}\"")),
            (filling, filling).prop_map(|(a, b)| format!("$q${a}S3CRET'{b}$q$")),
            Just("0xS3CRET".to_owned()),
            "[0-9]{1,3}".prop_map(|digits| format!("{digits}5.5e-7S3CRET")),
            filling.prop_map(|a| format!("1 /* {} S3CRET */", a.replace('/', ""))),
            filling.prop_map(|a| format!("1 -- {a} S3CRET\n")),
        ]
    }

    fn statement() -> impl Strategy<Value = String> {
        let literals = proptest::collection::vec(literal(), 1..6);
        (literals, 0..6_usize).prop_map(|(values, shape)| {
            let list = values.join(", ");
            match shape {
                0 => format!("SELECT a FROM t WHERE b IN ({list})"),
                1 => format!("INSERT INTO t (a) VALUES ({list}) ON CONFLICT DO NOTHING"),
                2 => format!("UPDATE t SET a = {} WHERE b = $1", values.join("||")),
                3 => format!("SELECT f({list}) FROM t, u WHERE a = {}", values[0]),
                4 => format!(
                    "DELETE FROM t WHERE a = {} AND b = ?",
                    values.join(" OR c=")
                ),
                _ => format!("SELECT {list} FROM (SELECT {list} FROM u) x ORDER BY 1"),
            }
        })
    }

    proptest! {
        #[test]
        fn no_value_survives_in_a_text_or_in_a_summary(sql in statement()) {
            prop_assert!(!sanitized(&sql).contains("S3CRET"), "{}", sanitized(&sql));
            prop_assert!(!summary(&sql).contains("S3CRET"), "{}", summary(&sql));
        }

        #[test]
        fn any_text_can_be_read(sql in "(?s).{0,200}") {
            prop_assert!(summary(&sql).len() <= MAX_SUMMARY);
            let once = sanitized(&sql);
            prop_assert!(once.len() <= sql.len() + 1);
        }

        #[test]
        fn pieces_of_sql_in_any_order_can_be_read(pieces in proptest::collection::vec(
            prop_oneof![
                Just("SELECT"), Just("FROM"), Just("'"), Just("\""), Just("$$"), Just("$a$"), Just("--"), Just("/*"),
                Just("*/"), Just("("), Just(")"), Just("\\"), Just("E'"), Just("."), Just(","), Just("1"), Just("é"),
                Just("#"), Just("`"), Just(":"), Just("@"), Just("UPDATE"), Just("\n"), Just("table"),
            ],
            0..40,
        )) {
            let sql = pieces.join(" ");
            prop_assert!(summary(&sql).len() <= MAX_SUMMARY);
            sanitized(&pieces.concat());
        }
    }
}
