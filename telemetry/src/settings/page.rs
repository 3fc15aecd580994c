//! The page of the variables, `docs/configuration.md`: its table is made of their declarations.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::SECTIONS;
use super::variable::all;

const BEGIN: &str = "<!-- Made by `make generate` from telemetry/src/settings. -->\n";
const END: &str = "<!-- Until here. -->\n";

fn path() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/configuration.md"
    ))
}

fn tables() -> String {
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
    text + "\n"
}

/// The page with the tables as they should be.
fn page(now: &str) -> String {
    let (before, rest) = now
        .split_once(BEGIN)
        .expect("the page marks where tables begin");
    let (_, after) = rest
        .split_once(END)
        .expect("the page marks where tables end");
    format!("{before}{BEGIN}{}{END}{after}", tables())
}

#[test]
fn the_page_lists_every_variable_as_it_is_declared() {
    let now = fs::read_to_string(path()).unwrap();
    assert!(
        now == page(&now),
        "docs/configuration.md is not what the variables say: run `make generate`"
    );
}

#[test]
#[ignore = "`make generate` runs it"]
fn write_the_page() {
    let now = fs::read_to_string(path()).unwrap();
    fs::write(path(), page(&now)).unwrap();
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
        assert!(variable.purpose().ends_with('.'), "{name}: one sentence");
    }
}
