//! The customers of the seed.

/// The customers' names.
pub(super) const CUSTOMERS: [&str; 12] = [
    "김민준",
    "이서연",
    "박도윤",
    "최하은",
    "정시우",
    "강지우",
    "조예준",
    "윤수아",
    "장주원",
    "임다은",
    "한지호",
    "오채원",
];
