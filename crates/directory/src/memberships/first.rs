//! Reading groups of many users, or members of many groups, with a bound on the rows in memory: a user may be in any number of
//! groups, and a group may have any number of members.

use crate::DirectoryError;

/// Resources that are asked for at a time.
const RESOURCES: usize = 500;

/// Rows that are in memory at a time, unless one resource alone has more.
const AT_ONCE: usize = 20_000;

/// The rows of the first of these resources, and which those are: as many as have few enough rows together, one at the least.
/// `read` gives the rows of some resources in the order of these, so many and no more; `owner` is whose a row is.
pub(super) fn of_first<'i, R>(
    ids: &'i [&'i str],
    owner: impl Fn(&R) -> &str,
    mut read: impl FnMut(&[&str], usize) -> Result<Vec<R>, DirectoryError>,
) -> Result<(&'i [&'i str], Vec<R>), DirectoryError> {
    let mut first = ids.get(..ids.len().min(RESOURCES)).unwrap_or_default();
    while first.len() > 1 {
        let rows = read(first, AT_ONCE + 1)?;
        if rows.len() <= AT_ONCE {
            return Ok((first, rows));
        }
        // So many had all their rows among these; the next so many may have about as many rows.
        let whole = rows.chunk_by(|a, b| owner(a) == owner(b)).count() - 1;
        first = first.get(..whole.clamp(1, first.len() - 1)).unwrap_or_default();
    }
    let rows = read(first, usize::MAX)?;
    Ok((first, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who has so many rows each, asked for in another order than they are read in.
    fn taken(rows: &[(&'static str, usize)], ids: &[&str]) -> (usize, Vec<usize>) {
        let mut asked = Vec::new();
        let (first, found) = of_first(
            ids,
            |row: &&str| row,
            |some, most| {
                asked.push(some.len());
                let of_these = rows.iter().filter(|(id, _)| some.contains(id));
                let all = of_these.flat_map(|(id, count)| std::iter::repeat_n(*id, *count));
                Ok(all.take(most).collect())
            },
        )
        .unwrap();
        let expected =
            rows.iter().filter(|(id, _)| first.contains(id)).map(|(_, count)| count).sum::<usize>();
        assert_eq!(found.len(), expected);
        (first.len(), asked)
    }

    #[test]
    fn as_many_are_read_as_have_few_enough_rows_together_and_one_at_the_least() {
        assert_eq!(taken(&[("a", 1), ("b", 2)], &["b", "a"]), (2, vec![2]));
        assert_eq!(taken(&[], &["b", "a"]), (2, vec![2]));
        assert_eq!(taken(&[], &[]), (0, vec![0]));
        assert_eq!(taken(&[("a", AT_ONCE), ("b", 0)], &["a", "b"]), (2, vec![2]));
        assert_eq!(taken(&[("a", AT_ONCE), ("b", 1)], &["b", "a"]), (1, vec![2, 1]));
        assert_eq!(taken(&[("a", 3 * AT_ONCE), ("b", 1)], &["a", "b"]), (1, vec![2, 1]));
        let equal: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].map(|id| (id, AT_ONCE / 3)).to_vec();
        assert_eq!(taken(&equal, &["g", "f", "e", "d", "c", "b", "a"]), (3, vec![7, 3]));
    }
}
