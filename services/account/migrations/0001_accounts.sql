CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('customer', 'restaurant', 'admin')),
    state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    password_hash TEXT NOT NULL,
    -- 1: its tokens may carry a trace context through the gateway.
    trace_trusted BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL
);

-- The newest one signs; tokens of the older ones hold until they expire.
CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
