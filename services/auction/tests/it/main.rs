//! The auction service on both engines, and over its gRPC contract.

mod api;
mod awarding;
mod bidding;
mod deadline;
mod process;
mod support;
mod traces;
mod watching;
