//! The catalog service on both engines, and its real program.

mod eligible;
mod program;
mod restaurants;
mod support;
