//! SQL in pieces: enough of every dialect to tell words from values.
//!
//! What cannot be told for certain counts as a value. Quotes and comments follow the SQL standard with the extensions
//! of `PostgreSQL`, `MySQL`, `SQLite` and SQL Server; a piece that is not closed goes to the end of the text.

/// A piece of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or a plain name, perhaps with parts: `public.dishes`.
    Word(&'a str),
    /// In double quotes: a name, or, in some dialects, a value.
    Quoted(&'a str),
    /// In backticks: a name.
    Backticked(&'a str),
    /// A string, number, or bytes.
    Literal,
    /// What stands for a value: `$1`, `?`, `:name`, `@p`.
    Placeholder(&'a str),
    /// One character of anything else.
    Sign(char),
}

/// The pieces of `sql`, without comments and white space.
pub(super) struct Tokens<'a> {
    rest: &'a str,
    /// Whether white space or a comment came before the last piece.
    pub(super) spaced: bool,
}

// === impl Tokens ===

impl<'a> Tokens<'a> {
    pub(super) fn of(sql: &'a str) -> Self {
        Self {
            rest: sql,
            spaced: false,
        }
    }

    /// Takes the first `length` bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Leaves out white space and comments, which may quote values.
    fn skip(&mut self) {
        let before = self.rest.len();
        loop {
            let rest = self.rest.trim_start();
            // PostgreSQL has operators that begin as a comment of MySQL does: `#>`, `#-`.
            let line = rest.strip_prefix('#');
            let line = line.is_some_and(|line| !line.starts_with(['>', '-']));
            self.rest = if line || rest.starts_with("--") {
                rest.find('\n').map_or("", |end| &rest[end..])
            } else if rest.starts_with("/*") {
                &rest[comment(rest)..]
            } else {
                rest
            };
            if self.rest.len() == rest.len() {
                break;
            }
        }
        self.spaced = self.rest.len() < before;
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip();
        let rest = self.rest;
        let first = rest.chars().next()?;
        Some(match first {
            '\'' => {
                self.take(quoted(rest, '\''));
                Token::Literal
            }
            '"' => match self.take(quoted(rest, '"')) {
                name if is_closed(name, '"') => Token::Quoted(name),
                _ => Token::Literal,
            },
            '`' => match self.take(quoted(rest, '`')) {
                name if is_closed(name, '`') => Token::Backticked(name),
                _ => Token::Literal,
            },
            '$' => match dollar_quoted(rest) {
                Some(length) => {
                    self.take(length);
                    Token::Literal
                }
                None => placeholder(self),
            },
            '?' => placeholder(self),
            ':' if rest.starts_with("::") => {
                self.take(1);
                Token::Sign(':')
            }
            // Before a number they are operators: `list[1:2]`, `@5`.
            ':' | '@' if !rest[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                placeholder(self)
            }
            '0'..='9' => {
                self.take(number(rest));
                Token::Literal
            }
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                self.take(1 + number(&rest[1..]));
                Token::Literal
            }
            _ if starts_name(first) => {
                let length = name(rest);
                // A prefix of a string says how it is written: E'..', N'..', X'..', U&'..', _utf8'..'.
                let after = rest[length..].strip_prefix('&').unwrap_or(&rest[length..]);
                if after.starts_with('\'') {
                    let prefix = rest.len() - after.len();
                    self.take(prefix + quoted(after, '\''));
                    Token::Literal
                } else {
                    Token::Word(self.take(length))
                }
            }
            other => {
                self.take(other.len_utf8());
                Token::Sign(other)
            }
        })
    }
}

fn placeholder<'a>(tokens: &mut Tokens<'a>) -> Token<'a> {
    let length = tokens.rest[1..]
        .find(|next: char| !continues_name(next))
        .map_or(tokens.rest.len(), |length| 1 + length);
    Token::Placeholder(tokens.take(length))
}

/// The length of a comment, which may hold others.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of what is between two of `quote`; two of them together stand for one inside.
///
/// The dialects differ on whether a backslash before a quote belongs to it, and each reading would take something else for a
/// value: then all the rest is one.
fn quoted(text: &str, quote: char) -> usize {
    let mut backslashes = 0_usize;
    let mut at = quote.len_utf8();
    while let Some(next) = text[at..].chars().next() {
        at += next.len_utf8();
        if next == quote {
            if backslashes % 2 == 1 {
                return text.len();
            }
            if !text[at..].starts_with(quote) {
                return at;
            }
            at += quote.len_utf8();
        }
        backslashes = if next == '\\' { backslashes + 1 } else { 0 };
    }
    text.len()
}

/// Whether a quoted name is whole, and nothing else than a name.
fn is_closed(name: &str, quote: char) -> bool {
    name.len() > 2 && name.ends_with(quote) && !name.contains('\\')
}

/// The length of `$tag$ .. $tag$`, if that is what the text begins with.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag = 2 + text[1..].find('$')?;
    let tag = &text[..tag];
    let name = &tag[1..tag.len() - 1];
    if !name.is_empty() && (!name.starts_with(starts_name) || !name.chars().all(continues_name)) {
        return None;
    }
    let end = text[tag.len()..].find(tag);
    Some(end.map_or(text.len(), |end| end + 2 * tag.len()))
}

/// The length of a number in any of the ways to write one, and of what is written onto it.
fn number(text: &str) -> usize {
    let mut before = ' ';
    text.find(|next: char| {
        let sign_of_exponent = matches!(next, '+' | '-') && matches!(before, 'e' | 'E');
        let belongs = continues_name(next) || next == '.' || sign_of_exponent;
        before = next;
        !belongs
    })
    .unwrap_or(text.len())
}

/// The length of a name with its parts, as far as they are not quoted.
fn name(text: &str) -> usize {
    text.find(|next: char| !continues_name(next) && next != '.')
        .unwrap_or(text.len())
}

fn starts_name(first: char) -> bool {
    first.is_alphabetic() || first == '_'
}

fn continues_name(next: char) -> bool {
    next.is_alphanumeric() || next == '_' || next == '$'
}
