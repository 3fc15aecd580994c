CREATE TABLE notifications (
    id TEXT PRIMARY KEY,
    message_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    auction_id TEXT NOT NULL,
    text TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    UNIQUE (account_id, kind, subject_id)
);
CREATE INDEX notifications_by_account ON notifications (account_id, id);
CREATE INDEX notifications_by_message ON notifications (message_id);
CREATE INDEX notifications_age ON notifications (at_ms);

CREATE TABLE webhooks (
    account_id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);

CREATE TABLE webhook_deliveries (
    notification_id TEXT PRIMARY KEY REFERENCES notifications (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    trace_context TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_at_ms BIGINT NOT NULL
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at_ms) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_account ON webhook_deliveries (account_id) WHERE state = 'pending';
