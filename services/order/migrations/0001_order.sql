CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    award_id TEXT NOT NULL UNIQUE,
    auction_id TEXT NOT NULL,
    customer_account_id TEXT NOT NULL,
    restaurant_id TEXT NOT NULL,
    restaurant_account_id TEXT NOT NULL,
    restaurant_name TEXT NOT NULL,
    price_minor BIGINT NOT NULL,
    discount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    coupon_code TEXT NOT NULL,
    points_to_use BIGINT NOT NULL,
    payment_method TEXT NOT NULL,
    state TEXT NOT NULL,
    failure_code TEXT NOT NULL,
    trace_context TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    settled_at_ms BIGINT
);
CREATE INDEX orders_by_auction ON orders (auction_id);
CREATE INDEX orders_by_customer ON orders (customer_account_id, id);
CREATE INDEX orders_by_restaurant ON orders (restaurant_account_id, id);
CREATE INDEX orders_unsettled ON orders (id) WHERE settled_at_ms IS NULL;

CREATE TABLE saga_steps (
    order_id TEXT NOT NULL REFERENCES orders (id),
    step TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    tries BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (order_id, step)
);
