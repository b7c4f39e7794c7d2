//! What is to be given back of one resource, and what cannot be.

use std::collections::BTreeSet;

use directory::resources::{self, Record};
use scim_core::{Document, ResourceKind, resource};
use serde_json::Value;
use store::WriteTx;

use super::{
    told::{About, CHANGED_SINCE, HERE_AGAIN, MADE, NO_SUCH_ATTRIBUTE, NOT_HERE, TAKEN},
    window::Past,
    work::Work,
};
use crate::{
    ProvisioningError,
    before_image::{State, WHOLE},
};

/// A resource that is to be as it was.
pub(super) struct Plan {
    pub(super) about: About,
    /// As it is, or as it was when it was deleted.
    pub(super) record: Record,
    pub(super) is_deleted: bool,
    pub(super) old: State,
    pub(super) new: State,
    /// The document without what is given back, where it is stored so for a moment ([`Plan::step_aside`]).
    aside: Option<Document>,
    /// The names of what is given back.
    pub(super) names: Vec<String>,
    /// What is not, and why.
    refused: Vec<(String, &'static str)>,
}

impl Plan {
    /// What is to be given back of a resource, without some values; `None` where it is neither here nor kept.
    pub(super) fn of(
        tx: &mut WriteTx<'_>,
        work: &Work<'_>,
        kind: ResourceKind,
        id: &str,
        past: &Past,
        without: &BTreeSet<String>,
    ) -> Result<Option<Self>, ProvisioningError> {
        let here = resources::find_for_update(tx, kind, id)?;
        let is_deleted = here.is_none();
        let Some(record) = here.or_else(|| past.kept(id)) else { return Ok(None) };
        let old = State::of(&record)?;
        let values = past.before_run(id, (!is_deleted).then_some(&old))?;
        let (mut new, mut names) = (old.clone(), Vec::new());
        // `is_open` has already listed `id`.
        let unkept = past.unkept.iter().filter(|(name, _)| *name != WHOLE);
        let mut refused: Vec<(String, &'static str)> =
            unkept.map(|(name, why)| (name.clone(), *why)).collect();
        for (name, former) in values.iter() {
            if old.get(name) == former.value {
                continue;
            }
            if former.is_changed_since || without.contains(name) {
                refused.push((name.clone(), if former.is_changed_since { CHANGED_SINCE } else { TAKEN }));
                continue;
            }
            new.set(name, &former.value);
            names.push(name.clone());
        }
        resource::put_in_form(work.rules.resource_type(kind), &mut new.document);
        names.retain(|name| {
            let is_back = values.get(name).is_some_and(|former| new.get(name) == former.value);
            if !is_back {
                refused.push((name.clone(), NO_SUCH_ATTRIBUTE));
            }
            is_back
        });
        let (about, aside) = (About::of(&record), None);
        Ok(Some(Self { about, record, is_deleted, old, new, aside, names, refused }))
    }

    /// Frees the values that are to be replaced, for another resource that gets them back. The change that gives this one back tells
    /// nothing of it.
    pub(super) fn step_aside(
        &mut self,
        tx: &mut WriteTx<'_>,
        work: &Work<'_>,
        kind: ResourceKind,
    ) -> Result<(), ProvisioningError> {
        let mut without = self.old.clone();
        self.names.iter().for_each(|name| without.set(name, &Value::Null));
        let rt = work.rules.resource_type(kind);
        resources::update(tx, rt, &self.record, &self.old.document, &without.document)?;
        self.aside = Some(without.document);
        Ok(())
    }

    /// Reads the version again: a seat that another resource gave up may have given this one a new one.
    pub(super) fn read_version(
        &mut self,
        tx: &mut WriteTx<'_>,
        kind: ResourceKind,
    ) -> Result<(), ProvisioningError> {
        if let Some(here) = resources::find(tx, kind, &self.record.id)? {
            self.record.version = here.version;
        }
        Ok(())
    }

    /// The document as it is stored.
    pub(super) fn stored(&self) -> &Document {
        self.aside.as_ref().unwrap_or(&self.old.document)
    }

    /// Lists what is not given back.
    pub(super) fn tell(&self, work: &mut Work<'_>) {
        for (name, reason) in &self.refused {
            work.done.not(&self.about, name, *reason);
        }
    }
}

/// Whether a resource is to be looked at; lists it where not.
pub(super) fn is_open(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    kind: ResourceKind,
    id: &str,
    past: &Past,
) -> Result<bool, ProvisioningError> {
    let here = resources::find(tx, kind, id)?;
    if past.is_made {
        if let Some(record) = here {
            work.done.not(&About::of(&record), "id", MADE);
        }
        return Ok(false);
    }
    match (here, &past.deleted) {
        // A POST of the run has brought the person back: what it changed is given back as after every change.
        (Some(_), Some(former)) if past.is_revived && !former.is_changed_since => Ok(true),
        // Nothing of what the deletion took is kept.
        (Some(record), None) if past.is_revived || past.unkept.contains_key(WHOLE) => {
            work.done.not(&About::of(&record), "id", HERE_AGAIN);
            Ok(true)
        }
        (Some(record), Some(_)) => {
            work.done.not(&About::of(&record), "id", HERE_AGAIN);
            Ok(false)
        }
        (None, Some(former)) if former.is_changed_since => {
            work.done.not(&About::of(&former.value.record(id)), "id", CHANGED_SINCE);
            Ok(false)
        }
        (None, None) => {
            let is_moved = !past.unkept.is_empty()
                || !past.values.is_empty()
                || !past.members.is_empty()
                || past.license.is_some();
            if is_moved {
                work.done.not(&About::unknown(id), "id", NOT_HERE);
            }
            Ok(false)
        }
        _ => Ok(true),
    }
}
