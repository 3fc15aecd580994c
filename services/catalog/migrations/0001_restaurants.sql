CREATE TABLE restaurants (
    id TEXT PRIMARY KEY,
    owner_account_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    latitude DOUBLE PRECISION NOT NULL,
    longitude DOUBLE PRECISION NOT NULL,
    address TEXT NOT NULL,
    delivery_radius_m BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);
CREATE INDEX restaurants_place ON restaurants (latitude, longitude);

CREATE TABLE menu_items (
    restaurant_id TEXT NOT NULL REFERENCES restaurants (id),
    -- The dish's name in the one form in which names are compared.
    dish_key TEXT NOT NULL,
    dish TEXT NOT NULL,
    position BIGINT NOT NULL,
    price_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (restaurant_id, dish_key)
);
