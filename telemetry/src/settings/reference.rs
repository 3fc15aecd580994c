//! The reference page of the variables.

use std::fmt::Write as _;

use super::SECTIONS;

/// Every variable that is read, with its default and its expected form, as Markdown tables: the content of
/// `docs/configuration.md`, for services that print it themselves.
pub fn environment_reference() -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let _ = write!(
            text,
            "\n### {}\n\n| variable | default | what is right | what for |\n|---|---|---|---|\n",
            section.title
        );
        for variable in section.variables {
            let default = match variable.default() {
                "" => String::new(),
                default => format!("`{default}`"),
            };
            let _ = writeln!(
                text,
                "| `{}` | {default} | {} | {} |",
                variable.name(),
                variable.expected(),
                variable.purpose()
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::variable::all;
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    const BEGIN: &str = "<!-- Made by `make generate` from telemetry/src/settings. -->\n";
    const END: &str = "<!-- Until here. -->\n";

    /// The page with current tables.
    fn page(now: &str) -> String {
        let (before, rest) = now
            .split_once(BEGIN)
            .expect("a line before the tables says that they are made");
        let (_, after) = rest
            .split_once(END)
            .expect("a line after the tables ends them");
        format!("{before}{BEGIN}{}\n{END}{after}", environment_reference())
    }

    #[test]
    fn the_page_lists_every_variable_as_it_is_declared() {
        let now = fs::read_to_string(PAGE).unwrap();
        assert!(
            now == page(&now),
            "docs/configuration.md is not what the variables say: run `make generate`"
        );
    }

    #[test]
    #[ignore = "`make generate` runs it"]
    fn write_the_page() {
        let now = fs::read_to_string(PAGE).unwrap();
        fs::write(PAGE, page(&now)).unwrap();
    }

    #[test]
    fn every_declaration_is_whole_and_its_default_can_be_read() {
        let mut names = Vec::new();
        for variable in all() {
            let name = variable.name();
            assert!(!names.contains(&name), "{name} is declared twice");
            names.push(name);
            assert!(
                variable.default_is_right(),
                "{name}: its default is not right"
            );
            assert!(!variable.expected().is_empty(), "{name}");
            assert!(variable.purpose().ends_with('.'), "{name}: a sentence");
        }
    }
}
