//! The one place that reads which unique key was violated. SQLite says it in the message; PostgreSQL names the
//! table in a field of its own and the columns in the detail, `Key (user_id, kind)=(…) already exists.`

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as QueryError};

/// `users.user_name_key` (or `t.a, t.b` for two columns) when the error is a violated unique or primary key.
pub fn unique_violation(error: &QueryError) -> Option<String> {
    match error {
        QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, information) => {
            let information = information.as_ref();
            from_sqlite(information).or_else(|| from_postgres(information)).or_else(|| {
                // Never lose that it was a violation, even if the text should change one day.
                Some(information.constraint_name().unwrap_or(information.message()).to_owned())
            })
        }
        _ => None,
    }
}

fn from_sqlite(information: &(dyn DatabaseErrorInformation + Send + Sync)) -> Option<String> {
    let columns = information.message().strip_prefix("UNIQUE constraint failed: ")?;
    Some(columns.to_owned())
}

fn from_postgres(information: &(dyn DatabaseErrorInformation + Send + Sync)) -> Option<String> {
    let table = information.table_name()?;
    // The words around it are translated by the server, the form `(columns)=(` is not.
    let (before_values, _) = information.details()?.split_once(")=(")?;
    let (_, columns) = before_values.split_once('(')?;
    let named = columns.split(", ").map(|column| format!("{table}.{}", column.trim_matches('"')));
    Some(named.collect::<Vec<_>>().join(", "))
}
