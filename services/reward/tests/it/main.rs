//! The reward service on both engines, and its real program.

mod books;
mod concurrent;
mod program;
mod settlement;
mod support;
