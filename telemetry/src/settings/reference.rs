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
    use super::super::variable::all;

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
