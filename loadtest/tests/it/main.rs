//! The generator against servers that misbehave on purpose.

mod edge;
mod stall;
