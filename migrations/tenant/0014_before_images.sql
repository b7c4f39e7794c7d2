-- What a change replaced, as far as an undo needs it: the former values of what changed, or the whole of what was deleted. The number is that of
-- the change record. It rests apart from the log, because it holds values, and is kept for a shorter time.
CREATE TABLE before_images (
    number BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    resource_id TEXT NOT NULL,
    image TEXT NOT NULL
);
CREATE INDEX before_images_by_resource ON before_images (resource_id);
