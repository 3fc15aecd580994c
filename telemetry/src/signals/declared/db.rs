//! Databases.

use crate::signals::{FAST_BUCKETS, Kind, Metric};

/// How long database operations took.
pub const DB_CLIENT_OPERATION_DURATION: Metric = Metric {
    name: "db.client.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long database operations took.",
    buckets: FAST_BUCKETS,
    labels: &[
        "db.system.name",
        "db.operation.name",
        "db.collection.name",
        "error.type",
    ],
};

/// All of these.
pub(super) const ALL: &[&Metric] = &[&DB_CLIENT_OPERATION_DURATION];
