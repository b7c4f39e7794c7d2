-- Run once by the PostgreSQL image when its volume is empty: the role and the database of docs/operations.md, The database. The
-- password is read from a file, so that no command line has it.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/database_password`
CREATE ROLE usher LOGIN PASSWORD :'password';
CREATE DATABASE usher TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
GRANT CREATE ON DATABASE usher TO usher;
