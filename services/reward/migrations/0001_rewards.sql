-- What an account has: the sum of its ledger, and how much of it is set aside.
CREATE TABLE wallets (
    account_id TEXT PRIMARY KEY,
    points BIGINT NOT NULL,
    points_reserved BIGINT NOT NULL,
    CHECK (points_reserved >= 0 AND points >= points_reserved)
);

-- Append-only: no statement of the service updates or deletes a row.
CREATE TABLE ledger (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('granted', 'used', 'earned')),
    points BIGINT NOT NULL CHECK (points <> 0),
    reason TEXT NOT NULL,
    -- NULL for a grant; a settlement uses once and earns once.
    reservation_id TEXT,
    at_ms BIGINT NOT NULL,
    UNIQUE (reservation_id, kind)
);
CREATE INDEX ledger_account ON ledger (account_id, id);

CREATE TABLE coupons (
    code TEXT PRIMARY KEY,
    discount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    uses BIGINT NOT NULL,
    uses_left BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    CHECK (uses_left >= 0 AND uses_left <= uses)
);

CREATE TABLE reservations (
    id TEXT PRIMARY KEY,
    -- Empty when it was released before it was ever reserved.
    account_id TEXT NOT NULL,
    coupon_code TEXT NOT NULL,
    points_wished BIGINT NOT NULL,
    price_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    coupon_minor BIGINT NOT NULL,
    points_reserved BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'committed', 'released')),
    updated_at_ms BIGINT NOT NULL
);
