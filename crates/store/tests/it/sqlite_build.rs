//! What the SQLite is made of that came with this build. How it is compiled decides how fast and how safe a commit is, so a
//! build from elsewhere must not differ in silence: see `.cargo/config.toml` for the reasons.

use std::collections::BTreeSet;

use diesel::sql_types::Text;
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};

#[derive(diesel::QueryableByName)]
struct Option {
    #[diesel(sql_type = Text)]
    compile_options: String,
}

#[test]
fn sqlite_is_compiled_as_this_project_says() {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    let options = sql_query("PRAGMA compile_options").load::<Option>(&mut connection).unwrap();
    let options: BTreeSet<String> = options.into_iter().map(|option| option.compile_options).collect();
    for wanted in ["THREADSAFE=2", "DEFAULT_MEMSTATUS=0", "DEFAULT_PCACHE_INITSZ=0", "OMIT_SHARED_CACHE"] {
        assert!(options.contains(wanted), "{wanted} is missing: {options:?}");
    }
    for unwanted in ["ENABLE_MEMORY_MANAGEMENT", "THREADSAFE=1", "OMIT_WAL", "ATOMIC_INTRINSICS=0"] {
        assert!(!options.contains(unwanted), "{unwanted} is there: {options:?}");
    }
}
