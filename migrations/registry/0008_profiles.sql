-- Profiles that staff have added beside those that ship with Usher: every version, so that a number never means two texts. A removal is a
-- version without a text.
CREATE TABLE profiles (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    text TEXT,
    added_ms BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

-- The version of its profile that a tenant is read by; 0 for one that ships with Usher.
ALTER TABLE tenants ADD COLUMN profile_version BIGINT NOT NULL DEFAULT 0;
