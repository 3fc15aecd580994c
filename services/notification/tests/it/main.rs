//! The inbox and webhooks: on both engines, over a real broker, and to a real HTTP receiver.

mod api;
mod broker;
mod inbox;
mod support;
mod webhooks;
