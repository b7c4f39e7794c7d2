//! Whose file it is. A SQLite store bears the mark of this program and of its own file's name in the header that SQLite keeps
//! for that (`application_id`, `user_version`), so that a file in the wrong place is not taken for the store that belongs there.
//! A copy that `VACUUM INTO` makes bears it too.

use diesel::RunQueryDsl;
use diesel::sql_types::Integer;

use crate::location::StoreFile;
use crate::{StoreConnection, StoreError};

/// `ushr`, as a number.
const PROGRAM: i32 = 0x7573_6872;

/// The mark in a file's header, and the number of its tables and indexes.
#[derive(diesel::QueryableByName)]
struct Header {
    #[diesel(sql_type = Integer)]
    application_id: i32,
    #[diesel(sql_type = Integer)]
    user_version: i32,
    #[diesel(sql_type = Integer)]
    objects: i32,
}

/// Whose file it is, by its header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marked {
    /// The file is new and empty.
    Empty,
    /// It bears no mark, as the stores of earlier versions.
    No,
    /// It is the file of this store.
    Yes,
}

/// Reads a file's mark.
///
/// # Errors
/// `Corrupt` when the file belongs to another program, or to another store.
pub(crate) fn read(connection: &mut StoreConnection, file: &StoreFile) -> Result<Marked, StoreError> {
    let header: Header = diesel::sql_query(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master) AS objects \
         FROM pragma_application_id, pragma_user_version",
    )
    .get_result(connection)?;
    match header {
        Header { objects: 0, .. } => Ok(Marked::Empty),
        Header { application_id: PROGRAM, user_version, .. } if user_version == name_of(file) => {
            Ok(Marked::Yes)
        }
        Header { application_id: PROGRAM, .. } => {
            Err(StoreError::Corrupt(format!("{} is the file of another store", file.name())))
        }
        Header { application_id: 0, user_version: 0, .. } => Ok(Marked::No),
        Header { .. } => Err(StoreError::Corrupt(format!("{} is another program's file", file.name()))),
    }
}

/// Checks that a file is no other program's and no other store's.
///
/// # Errors
/// `Corrupt`.
pub(crate) fn check(connection: &mut StoreConnection, file: &StoreFile) -> Result<(), StoreError> {
    read(connection, file).map(|_| ())
}

/// Whether this is the mark of this store, as the bytes of its header tell it.
pub(super) fn is_mark_of(file: &StoreFile, application_id: Option<u32>, user_version: Option<u32>) -> bool {
    let is =
        |found: Option<u32>, mark: i32| found.is_some_and(|found| found.to_ne_bytes() == mark.to_ne_bytes());
    is(application_id, PROGRAM) && is(user_version, name_of(file))
}

/// Begins a transaction that also marks the file.
pub(crate) fn begin_sql(file: &StoreFile) -> String {
    format!("BEGIN IMMEDIATE; PRAGMA application_id={PROGRAM}; PRAGMA user_version={}", name_of(file))
}

/// FNV-1a of the file's name. It guards against mistakes of people, not against malice.
fn name_of(file: &StoreFile) -> i32 {
    let mixed = file
        .name()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    i32::from_ne_bytes(mixed.to_ne_bytes())
}
