//! The tables of `docs/configuration.md`: every variable that the telemetry crate reads.

use std::path::Path;

use anyhow::Context as _;

/// The page.
pub(super) const PAGE: &str = "docs/configuration.md";

/// The lines around the tables.
const BEGIN: &str = "<!-- Made by `make generate` from telemetry/src/settings. -->\n";
const END: &str = "<!-- Until here. -->\n";

/// The page of the repository at `root`, with the tables as they should be.
pub(super) fn page(root: &Path) -> anyhow::Result<String> {
    let path = root.join(PAGE);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    with_tables(&text, &telemetry::environment_reference())
        .with_context(|| format!("{PAGE} lacks a line `{}` or `{}`", BEGIN.trim(), END.trim()))
}

fn with_tables(text: &str, tables: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{tables}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_between_the_lines_are_replaced_and_the_rest_stays() {
        let text = format!("before\n{BEGIN}old\n{END}after\n");
        let page = with_tables(&text, "new").unwrap();
        assert_eq!(page, format!("before\n{BEGIN}new\n{END}after\n"));
        assert_eq!(with_tables(&page, "new"), Some(page));
        assert_eq!(with_tables("no lines", "new"), None);
    }
}
