//! What the tests share.

pub(crate) mod auctions;
pub(crate) mod forced;
pub(crate) mod load;
pub(crate) mod processes;
pub(crate) mod restaurants;
pub(crate) mod stack;
pub(crate) mod traces;
