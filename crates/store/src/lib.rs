//! One door to a database: SQLite files and PostgreSQL schemas behind one connection type.
