-- Every kind of credential. The key id finds the row; what rests of a secret is a salted hash.
ALTER TABLE credentials ADD COLUMN kind TEXT NOT NULL DEFAULT 'bearer' CHECK (kind IN ('bearer', 'basic', 'oauth', 'issuer'));
-- What it may do: words with blanks between them.
ALTER TABLE credentials ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read users groups';
ALTER TABLE credentials ADD COLUMN note TEXT NOT NULL DEFAULT '';
-- The userName of the person of the tenant for whom it was made; it does not depend on that person.
ALTER TABLE credentials ADD COLUMN made_by TEXT NOT NULL DEFAULT '';

-- Those people with their live credentials, as JSON: every writer of the tenant's store has them at hand when such a person leaves.
ALTER TABLE tenants ADD COLUMN makers TEXT NOT NULL DEFAULT '[]';
