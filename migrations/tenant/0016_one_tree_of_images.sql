-- One tree instead of three: each change writes to it. An image is found by the number of its change; who forgets a resource reads them all.
ALTER TABLE before_images RENAME TO before_images_in_three;
CREATE TABLE before_images (
    number BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    resource_id TEXT NOT NULL,
    image TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO before_images (number, at_ms, resource_id, image)
    SELECT number, at_ms, resource_id, image FROM before_images_in_three;
DROP TABLE before_images_in_three;
