-- Who of the staff made a change; NULL for changes by the tenant's own credentials, and of earlier releases.
ALTER TABLE changes ADD COLUMN actor TEXT;
CREATE INDEX changes_by_staff ON changes (number) WHERE actor IS NOT NULL;
