//! Long lists of values in SQL.

/// Values in one `IN (…)` list: below every limit of either database.
const CHUNK: usize = 500;

/// The rows of a query for each part of a list that one `IN (…)` takes.
///
/// # Errors
/// The query's own.
pub fn in_chunks<V, R, E>(
    values: &[V],
    mut query: impl FnMut(&[V]) -> Result<Vec<R>, E>,
) -> Result<Vec<R>, E> {
    let mut rows = Vec::new();
    for chunk in values.chunks(CHUNK) {
        rows.append(&mut query(chunk)?);
    }
    Ok(rows)
}

/// Runs a statement for each part of a list that one `IN (…)` takes.
///
/// # Errors
/// The statement's own.
pub fn for_chunks<V, E>(values: &[V], mut statement: impl FnMut(&[V]) -> Result<usize, E>) -> Result<(), E> {
    values.chunks(CHUNK).try_for_each(|chunk| statement(chunk).map(drop))
}
