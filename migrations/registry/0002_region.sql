-- Whose registry this is, so that another region's file in its place is not taken for it.
CREATE TABLE region (
    code TEXT NOT NULL PRIMARY KEY
);
