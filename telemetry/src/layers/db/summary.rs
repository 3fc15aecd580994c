//! What a statement does to which tables, as far as that can be told without knowing the dialect.

use super::tokens::{Token, Tokens};

/// The longest summary (semantic conventions for databases 1.42, "Generating a summary of the query").
pub(super) const MAX_SUMMARY: usize = 255;

/// What a statement does to which tables, in its order: `SELECT dishes`, `INSERT orders SELECT carts`.
///
/// No value of the statement is in it. At most 255 bytes; what does not fit is left out whole.
///
/// ```
/// use telemetry::db::summary;
///
/// assert_eq!(summary("SELECT price FROM dishes WHERE name = 'mapo tofu'"), "SELECT dishes");
/// assert_eq!(summary("UPDATE stock SET left = left - 1"), "UPDATE stock");
/// ```
pub fn summary(sql: &str) -> String {
    let mut reader = Reader::default();
    for token in Tokens::of(sql) {
        reader.read(token);
    }
    reader.summary.truncate(reader.summary.trim_end().len());
    reader.summary
}

/// Reads the pieces of a statement one by one and puts together its summary.
#[derive(Default)]
struct Reader {
    summary: String,
    full: bool,
    /// What the next name would be.
    next: Next,
    /// The last piece, as a word in capitals when it was one.
    before: Before,
    /// Whether these parentheses, or the outside, hold a statement.
    in_statement: bool,
    /// The same of what is around them, with what comes next there.
    around: Vec<(bool, Next)>,
}

/// What is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Next {
    #[default]
    Anything,
    /// The name of a table.
    Table,
    /// A comma, behind which another table is named, or the table's other name.
    MoreTables,
    /// The rest of a name: what is behind its dot.
    Part,
}

/// What came before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Before {
    #[default]
    Nothing,
    Word(String),
    Sign(char),
    Other,
}

// === impl Reader ===

impl Reader {
    fn read(&mut self, token: Token<'_>) {
        self.before = match token {
            Token::Word(word) => {
                let upper = word.to_ascii_uppercase();
                self.word(word, &upper);
                Before::Word(upper)
            }
            Token::Quoted(name) | Token::Backticked(name) => {
                self.name(name);
                Before::Other
            }
            Token::Sign(sign) => {
                self.sign(sign);
                Before::Sign(sign)
            }
            Token::Literal | Token::Placeholder(_) => {
                self.next = Next::Anything;
                Before::Other
            }
        };
    }

    fn word(&mut self, word: &str, upper: &str) {
        match upper {
            "SELECT" => self.verb(upper, Next::Anything),
            "INSERT" | "REPLACE" | "MERGE" | "DELETE" | "CALL" | "TRUNCATE"
                if self.begins_statement() =>
            {
                let next = match upper {
                    "CALL" | "TRUNCATE" => Next::Table,
                    _ => Next::Anything,
                };
                self.verb(upper, next);
            }
            "UPDATE" if self.begins_statement() => self.verb(upper, Next::Table),
            "CREATE" | "ALTER" | "DROP" | "BEGIN" | "COMMIT" | "ROLLBACK" | "PRAGMA" | "VACUUM"
            | "ANALYZE" | "LISTEN" | "NOTIFY" | "SAVEPOINT" | "RELEASE"
                if self.begins_statement() =>
            {
                self.verb(upper, Next::Anything);
            }
            "TABLE" | "INDEX" | "VIEW"
                if self.before_is(&["CREATE", "ALTER", "DROP", "UNIQUE", "TEMPORARY", "TEMP"]) =>
            {
                self.push(upper);
                self.next = Next::Table;
            }
            "FROM" if self.in_statement && !self.before_is(&["DISTINCT"]) => {
                self.next = Next::Table;
            }
            "JOIN" | "INTO" if self.in_statement => self.next = Next::Table,
            "USING" if self.summary.starts_with("MERGE") || self.summary.starts_with("DELETE") => {
                self.next = Next::Table;
            }
            "ONLY" | "IF" | "NOT" | "EXISTS" | "LATERAL" | "CONCURRENTLY" | "TABLE" | "OR"
            | "IGNORE" | "ABORT" | "FAIL"
                if self.next == Next::Table => {}
            "AS" if self.next == Next::MoreTables => {}
            "WHERE" | "SET" | "ON" | "GROUP" | "ORDER" | "LIMIT" | "VALUES" | "HAVING"
            | "RETURNING" | "UNION" | "EXCEPT" | "INTERSECT" | "LEFT" | "RIGHT" | "INNER"
            | "CROSS" | "FULL" | "NATURAL" | "FOR" | "WINDOW" | "OFFSET" | "FETCH" => {
                self.next = Next::Anything;
            }
            _ => self.name(word),
        }
    }

    /// A word that may begin a statement only where one can begin: not in `FOR UPDATE`, `DO UPDATE`, `ON DELETE`.
    fn begins_statement(&self) -> bool {
        match &self.before {
            Before::Nothing | Before::Sign('(' | ')' | ';') => true,
            Before::Word(word) => matches!(word.as_str(), "EXPLAIN" | "ANALYZE" | "VERBOSE" | "AS"),
            Before::Sign(_) | Before::Other => false,
        }
    }

    fn before_is(&self, words: &[&str]) -> bool {
        matches!(&self.before, Before::Word(word) if words.contains(&word.as_str()))
    }

    fn verb(&mut self, verb: &str, next: Next) {
        self.push(verb);
        self.in_statement = true;
        self.next = next;
    }

    fn name(&mut self, name: &str) {
        match self.next {
            Next::Table => self.push(name),
            Next::Part => self.append(name),
            Next::Anything | Next::MoreTables => return,
        }
        self.next = if name.ends_with('.') {
            Next::Part
        } else {
            Next::MoreTables
        };
    }

    fn sign(&mut self, sign: char) {
        match sign {
            '(' => {
                // What is in parentheses where a table could be is one.
                let next = match self.next {
                    Next::Anything => Next::Anything,
                    _ => Next::MoreTables,
                };
                self.around.push((self.in_statement, next));
                self.in_statement = false;
                self.next = Next::Anything;
            }
            ')' => (self.in_statement, self.next) = self.around.pop().unwrap_or_default(),
            '.' if self.next == Next::MoreTables => {
                self.append(".");
                self.next = Next::Part;
            }
            ',' if self.next == Next::MoreTables && self.in_statement => self.next = Next::Table,
            ';' => {
                self.in_statement = false;
                self.next = Next::Anything;
            }
            _ => self.next = Next::Anything,
        }
    }

    fn push(&mut self, word: &str) {
        if !self.summary.is_empty() {
            self.append(" ");
        }
        self.append(word);
    }

    fn append(&mut self, piece: &str) {
        self.full |= self.summary.len() + piece.len() > MAX_SUMMARY;
        if !self.full {
            self.summary.push_str(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_the_verbs_and_the_tables_in_their_order() {
        for (sql, expected) in [
            ("SELECT * FROM dishes", "SELECT dishes"),
            (
                "select a, count(b), c from dishes d, places AS p where d.id = p.id",
                "SELECT dishes places",
            ),
            ("SELECT 1", "SELECT"),
            (
                "SELECT a FROM x JOIN y ON x.i = y.i LEFT OUTER JOIN z USING (i)",
                "SELECT x y z",
            ),
            (
                "SELECT a FROM (SELECT a FROM inner_one) t, other",
                "SELECT SELECT inner_one other",
            ),
            (
                "SELECT a FROM t WHERE i IN (SELECT i FROM u WHERE v = 1)",
                "SELECT t SELECT u",
            ),
            (
                "SELECT a FROM t UNION ALL SELECT a FROM u",
                "SELECT t SELECT u",
            ),
            ("SELECT a FROM t FOR UPDATE SKIP LOCKED", "SELECT t"),
            (
                "SELECT extract(year FROM opened) FROM auctions",
                "SELECT auctions",
            ),
            ("SELECT a IS DISTINCT FROM b FROM t", "SELECT t"),
            (
                "SELECT f.a FROM generate_series(1, 10) f, t",
                "SELECT generate_series t",
            ),
            (
                "INSERT INTO orders (a, b) SELECT a, b FROM carts",
                "INSERT orders SELECT carts",
            ),
            (
                "INSERT INTO t (a) VALUES (1), (2) ON CONFLICT (a) DO UPDATE SET a = 3",
                "INSERT t",
            ),
            ("INSERT OR IGNORE INTO t VALUES ('x')", "INSERT t"),
            (
                "UPDATE auctions SET state = $2 WHERE id = $1 RETURNING id",
                "UPDATE auctions",
            ),
            ("UPDATE ONLY t SET a = u.a FROM u", "UPDATE t u"),
            (
                "DELETE FROM outbox WHERE published_at_ms <= $1",
                "DELETE outbox",
            ),
            (
                "WITH gone AS (DELETE FROM t RETURNING a) SELECT a FROM gone",
                "DELETE t SELECT gone",
            ),
            (
                "CREATE TABLE IF NOT EXISTS t (a INT REFERENCES u ON DELETE CASCADE)",
                "CREATE TABLE t",
            ),
            ("CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX i"),
            ("DROP TABLE t", "DROP TABLE t"),
            ("TRUNCATE t", "TRUNCATE t"),
            ("BEGIN IMMEDIATE", "BEGIN"),
            ("SELECT a FROM public.dishes", "SELECT public.dishes"),
            (
                "SELECT a FROM \"public\".\"Dishes\" d, `x`.y",
                "SELECT \"public\".\"Dishes\" `x`.y",
            ),
            (
                "SELECT a FROM public.\"Dishes\"",
                "SELECT public.\"Dishes\"",
            ),
            (
                "/* by 'hand' */ SELECT a -- FROM secrets\n FROM t",
                "SELECT t",
            ),
            ("", ""),
        ] {
            assert_eq!(summary(sql), expected, "{sql}");
        }
    }

    #[test]
    fn a_long_summary_ends_with_a_whole_name() {
        let tables: Vec<_> = (0..100).map(|number| format!("table_{number}")).collect();
        let summary = summary(&format!("SELECT a FROM {}", tables.join(", ")));
        assert!((240..=MAX_SUMMARY).contains(&summary.len()), "{summary}");
        let last = summary.rsplit(' ').next().unwrap();
        assert!(tables.iter().any(|table| table == last), "{last}");
    }
}
