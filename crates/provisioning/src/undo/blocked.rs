//! Resources that cannot be given back yet, because another one has a value that they had. The value becomes free when that one is given
//! back itself. Those that stand in a ring, each in the way of another, are given back together.

use std::collections::{BTreeMap, VecDeque};

use directory::DirectoryError;
use store::WriteTx;

use super::window::Past;
use crate::ProvisioningError;

/// A resource that is to be given back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open<'r> {
    pub(super) id: &'r str,
    pub(super) past: &'r Past,
}

/// A value that another resource has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// The name of its attribute.
    pub(super) attribute: String,
    /// The id of the other resource.
    pub(super) by: String,
}

impl Taken {
    /// What an error tells of it; any other error is returned.
    pub(super) fn of(error: ProvisioningError) -> Result<Self, ProvisioningError> {
        match error {
            ProvisioningError::Directory(DirectoryError::UserNameTaken { existing }) => {
                Ok(Self { attribute: "userName".to_owned(), by: existing })
            }
            ProvisioningError::Directory(DirectoryError::ValueTaken { attribute, existing }) => {
                Ok(Self { attribute, by: existing })
            }
            error => Err(error),
        }
    }
}

/// A resource that could not be given back.
#[derive(Clone, Debug)]
pub(super) struct Blocked<'r> {
    pub(super) open: Open<'r>,
    /// The id of the resource that is in its way.
    pub(super) by: String,
}

/// Gives back those that are free by now, in their order, and those that become free by that; returns the others. `attempt` gives back all of some
/// resources or none, and tells of none what is in the way. It gets one resource, or a ring: each is in the way of the one before it,
/// and the first is in the way of the last.
pub(super) fn give_back<'r>(
    tx: &mut WriteTx<'_>,
    blocked: Vec<Blocked<'r>>,
    mut attempt: impl FnMut(&mut WriteTx<'_>, &[Open<'r>]) -> Result<Option<Taken>, ProvisioningError>,
) -> Result<Vec<Open<'r>>, ProvisioningError> {
    let mut order: VecDeque<&'r str> = blocked.iter().map(|blocked| blocked.open.id).collect();
    let mut waiting: BTreeMap<&'r str, Blocked<'r>> =
        blocked.into_iter().map(|blocked| (blocked.open.id, blocked)).collect();
    let (mut path, mut left) = (Vec::<&'r str>::new(), Vec::new());
    loop {
        while order.front().is_some_and(|id| !waiting.contains_key(id)) {
            order.pop_front();
        }
        let Some(last) = path.last().or_else(|| order.front()).copied() else { return Ok(left) };
        if path.is_empty() {
            path.push(last);
        }
        let by = waiting.get(last).map(|blocked| blocked.by.clone()).unwrap_or_default();
        let begin = match waiting.get(by.as_str()).map(|in_the_way| in_the_way.open.id) {
            Some(id) => match path.iter().position(|on_path| *on_path == id) {
                Some(begin) => begin,
                None => {
                    path.push(id);
                    continue;
                }
            },
            None => path.len() - 1,
        };
        let together = path.split_off(begin);
        let open: Vec<Open<'r>> = together.iter().filter_map(|id| Some(waiting.get(id)?.open)).collect();
        match attempt(tx, &open)? {
            // Something else is in the way now.
            Some(taken) if open.len() == 1 && taken.by != by => {
                if let Some(blocked) = waiting.get_mut(last) {
                    blocked.by = taken.by;
                }
                continue;
            }
            Some(_) => left.extend(open),
            None => {}
        }
        for id in together {
            waiting.remove(id);
        }
    }
}
