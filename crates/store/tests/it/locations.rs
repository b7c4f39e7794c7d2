//! Names that cannot be a store's are refused before anything is touched, and secrets are not shown.

use std::path::Path;

use store::{LocationError, PostgresUrl, SchemaName, StoreFile, StoreLocation};

#[test]
fn a_file_stem_is_a_plain_word() {
    let longest = "a".repeat(64);
    for good in ["a", "0198-abc", &longest] {
        let file = StoreFile::new(Path::new("/data"), good).unwrap();
        assert_eq!(file.path(), Path::new("/data").join(format!("{good}.db")));
    }
    let too_long = "a".repeat(65);
    for bad in ["", "..", "../etc", "a/b", "A", "a.b", "a b", "é", "a\0", "%2f", "a_b", &too_long] {
        assert_eq!(StoreFile::new(Path::new("/data"), bad), Err(LocationError::FileStem), "{bad:?}");
    }
}

#[test]
fn a_schema_name_needs_no_escape_and_is_never_cut() {
    let longest = "a".repeat(63);
    for good in ["a", "t_0198abc", &longest] {
        assert_eq!(SchemaName::new(good).unwrap().as_str(), good);
    }
    let cut_by_postgres = "a".repeat(64);
    let bad = ["", "T", "1a", "_a", "a-b", "a\"b", "x\"; DROP SCHEMA public CASCADE; --", "é", "a b"];
    for bad in bad.into_iter().chain(["public", "pg_toast", "information_schema", &cut_by_postgres]) {
        assert_eq!(SchemaName::new(bad), Err(LocationError::SchemaName), "{bad:?}");
    }
}

#[test]
fn a_url_never_shows_its_secret() {
    for url in [
        "postgres://usher:hunter2@db.example:5432/cell?password=hunter2",
        "postgresql://usher:hunter2@db.example/cell",
        "postgres://usher:hunt@hunter2@db.example/cell",
        "postgres:///cell?host=/run&password=hunter2",
    ] {
        let cell = PostgresUrl::new(url).unwrap();
        let schema = SchemaName::new("t_1").unwrap();
        let shown = format!("{:?}", StoreLocation::Postgres { cell, schema });
        assert!(!shown.contains("hunter2") && shown.contains("cell"), "{shown}");
    }
}

#[test]
fn a_mistyped_url_is_no_location() {
    for url in ["", "postgers://db/cell", "cell.db", "sqlite://x", "postgres:/db"] {
        assert_eq!(PostgresUrl::new(url), Err(LocationError::PostgresUrl));
    }
}
