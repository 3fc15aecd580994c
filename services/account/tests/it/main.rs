//! The account service on both engines, and its real program.

mod accounts;
mod program;
mod sessions;
mod support;
