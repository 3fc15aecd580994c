CREATE TABLE auctions (
    id TEXT PRIMARY KEY,
    customer_account_id TEXT NOT NULL,
    dishes TEXT NOT NULL,
    latitude DOUBLE PRECISION NOT NULL,
    longitude DOUBLE PRECISION NOT NULL,
    address TEXT NOT NULL,
    currency TEXT NOT NULL,
    ceiling_minor BIGINT NOT NULL,
    step_minor BIGINT NOT NULL,
    coupon_code TEXT NOT NULL,
    points_to_use BIGINT NOT NULL,
    payment_method TEXT NOT NULL,
    opened_at_ms BIGINT NOT NULL,
    deadline_ms BIGINT NOT NULL,
    eligible_count BIGINT NOT NULL,
    state TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    bid_count BIGINT NOT NULL,
    lowest_minor BIGINT,
    lowest_bid_id TEXT,
    trace_context TEXT NOT NULL,
    cause TEXT NOT NULL
);
CREATE INDEX auctions_due ON auctions (deadline_ms) WHERE state = 'open';
CREATE INDEX auctions_of_customer ON auctions (customer_account_id, id);

CREATE TABLE eligible (
    auction_id TEXT NOT NULL REFERENCES auctions (id),
    account_id TEXT NOT NULL,
    restaurant_id TEXT NOT NULL,
    restaurant_name TEXT NOT NULL,
    PRIMARY KEY (auction_id, account_id)
);
CREATE INDEX eligible_account ON eligible (account_id, auction_id);

CREATE TABLE bids (
    id TEXT PRIMARY KEY,
    auction_id TEXT NOT NULL REFERENCES auctions (id),
    account_id TEXT NOT NULL,
    restaurant_id TEXT NOT NULL,
    restaurant_name TEXT NOT NULL,
    price_minor BIGINT NOT NULL,
    placed_at_ms BIGINT NOT NULL,
    trace_context TEXT NOT NULL
);
-- A tie cannot happen.
CREATE UNIQUE INDEX bids_price ON bids (auction_id, price_minor);

CREATE TABLE awards (
    id TEXT PRIMARY KEY,
    auction_id TEXT NOT NULL REFERENCES auctions (id),
    -- A bid is awarded at most once.
    bid_id TEXT NOT NULL UNIQUE REFERENCES bids (id),
    awarded_at_ms BIGINT NOT NULL,
    replaces_award_id TEXT NOT NULL,
    trace_context TEXT NOT NULL,
    revoked_at_ms BIGINT,
    revoke_reason TEXT
);
-- At most one award stands per auction.
CREATE UNIQUE INDEX awards_standing ON awards (auction_id) WHERE revoked_at_ms IS NULL;
