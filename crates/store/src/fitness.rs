//! What a PostgreSQL database must be like to hold stores. Each fault is one sentence that says what to do.

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Bool, Integer, Text};

use crate::{StoreConnection, StoreError};

/// The oldest version that the tests run on.
const OLDEST: i32 = 15;

/// Collations that compare the bytes of UTF-8. With any other one a new release of the system's C library may change the order
/// of texts, and every index on them is wrong until it is made anew.
const BY_BYTES: &[&str] = &["C", "POSIX", "C.UTF-8", "C.utf8"];

#[derive(diesel::QueryableByName)]
struct Version {
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    database: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Text)]
    collation: String,
    /// `c` of the C library, `i` of ICU, `b` of the server itself, which knows only orders by code point.
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    messages: String,
    #[diesel(sql_type = Bool)]
    is_read_only: bool,
    #[diesel(sql_type = Bool)]
    may_create: bool,
}

const FOUND: &str = "SELECT d.datname::text AS database, current_user::text AS role, \
    pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding, d.datcollate::text AS collation, \
    d.datlocprovider::text AS provider, current_setting('lc_messages') AS messages, \
    current_setting('transaction_read_only')::boolean AS is_read_only, \
    pg_catalog.has_database_privilege(d.oid, 'CREATE') AS may_create \
    FROM pg_catalog.pg_database d WHERE d.datname = current_database()";

/// Checks the database that the connection leads to.
///
/// # Errors
/// `Unfit` with the first fault; or what the database says.
pub(crate) fn check(connection: &mut StoreConnection) -> Result<(), StoreError> {
    let version: Version = diesel::sql_query(
        "SELECT current_setting('server_version_num')::integer / 10000 AS number, \
         current_setting('server_version') AS name",
    )
    .get_result(connection)?;
    // An older one lacks columns of the next query.
    let fault = match version {
        Version { number: ..OLDEST, name } => {
            Some(format!("the server is PostgreSQL {name}: upgrade it to {OLDEST} or newer"))
        }
        Version { .. } => fault(&diesel::sql_query(FOUND).get_result(connection)?),
    };
    fault.map_or(Ok(()), |sentence| Err(StoreError::Unfit(sentence)))
}

#[derive(diesel::QueryableByName)]
struct Now {
    #[diesel(sql_type = BigInt)]
    ms: i64,
}

/// The server's clock, in milliseconds since 1970 UTC.
///
/// # Errors
/// What the database says.
pub(crate) fn now_ms(connection: &mut StoreConnection) -> Result<i64, StoreError> {
    let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT AS ms";
    let now: Now = diesel::sql_query(sql).get_result(connection)?;
    Ok(now.ms)
}

fn fault(found: &Found) -> Option<String> {
    let Found { database, role, encoding, collation, messages, .. } = found;
    let anew = "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'";
    if encoding != "UTF8" {
        return Some(format!("database \"{database}\" is encoded in {encoding}: create it with {anew}"));
    }
    let is_by_bytes = match found.provider.as_str() {
        "b" => true,
        "c" => BY_BYTES.contains(&collation.as_str()),
        _ => false,
    };
    if !is_by_bytes {
        let collation = if found.provider == "c" { collation } else { "a collation of ICU" };
        return Some(format!(
            "database \"{database}\" has {collation} instead of LC_COLLATE C: create it with {anew}"
        ));
    }
    if found.is_read_only {
        return Some(format!("database \"{database}\" is read-only: use the URL of the primary server"));
    }
    if !found.may_create {
        return Some(format!(
            "role \"{role}\" may not create schemas: GRANT CREATE ON DATABASE \"{database}\" TO \"{role}\""
        ));
    }
    // Errors are told apart by their texts (`error`).
    let is_english = messages.is_empty()
        || messages.starts_with("en")
        || messages.starts_with("C.")
        || ["C", "POSIX", "English"].iter().any(|known| messages.starts_with(known));
    (!is_english).then(|| {
        format!("the server's messages are not in English: ALTER ROLE \"{role}\" SET lc_messages TO 'C', as a superuser")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Found {
        Found {
            database: "cell1".to_owned(),
            role: "usher".to_owned(),
            encoding: "UTF8".to_owned(),
            collation: "C".to_owned(),
            provider: "c".to_owned(),
            messages: "en_US.UTF-8".to_owned(),
            is_read_only: false,
            may_create: true,
        }
    }

    #[test]
    fn each_fault_is_a_sentence_that_says_what_to_do() {
        assert_eq!(fault(&sound()), None);
        assert_eq!(fault(&Found { collation: "C.UTF-8".to_owned(), ..sound() }), None);
        let faults = [
            (Found { encoding: "LATIN1".to_owned(), ..sound() }, "ENCODING 'UTF8'"),
            (Found { collation: "en_US.UTF-8".to_owned(), ..sound() }, "LC_COLLATE 'C'"),
            (Found { provider: "i".to_owned(), ..sound() }, "LOCALE_PROVIDER libc"),
            (Found { is_read_only: true, ..sound() }, "primary server"),
            (Found { may_create: false, ..sound() }, "GRANT CREATE ON DATABASE \"cell1\" TO \"usher\""),
            (Found { messages: "de_DE.UTF-8".to_owned(), ..sound() }, "SET lc_messages TO 'C'"),
        ];
        for (found, remedy) in faults {
            let sentence = fault(&found).unwrap();
            assert!(sentence.contains(remedy) && !sentence.contains('\n'), "{sentence}");
        }
    }
}
