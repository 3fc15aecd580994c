//! The settlement of orders, on both engines, with a real payment provider and stand-ins for reward and auction.

mod api;
mod crash;
mod settlement;
mod support;
