CREATE TABLE writes (
    id TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
