//! The run that is to be undone: which changes belong to it, what each resource was before the first of them, and what others have changed
//! since.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use directory::{
    DirectoryError,
    before_images::{self, Replaced},
    resources::Record,
};
use scim_core::ResourceKind;
use seat_ledger::WaitingPlace;
use serde_json::Value;
use store::ReadTx;

use super::told::{NOT_KEPT, NOT_KEPT_ANY_MORE};
use crate::{
    ProvisioningError,
    before_image::{Deleted, FormerSeat, Image, MEMBERS, Member, State, WHOLE},
    groupless::{CAUSE, is_cause},
};

/// Changes that are read at a time.
const AT_ONCE: i64 = 1_000;

/// The most by which the times of changes are out of the order of their numbers. A change has the time at which its transaction began and gets
/// its number later, and processes with one database have clocks of their own.
const DISORDER_MS: i64 = 60 * 60 * 1_000;

/// What a change record's kind ends with that undoes others. Such a change is no part of a run.
const RESTORED: &str = ".restored";

/// Which changes are a run.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Those from this moment on, in milliseconds since 1970 UTC.
    pub since_ms: i64,
    /// Those of requests of this identity provider alone: a word of [`crate::log::Idp`].
    pub idp: Option<String>,
}

/// A value before the run.
#[derive(Clone, Debug)]
pub(super) struct Former<T> {
    pub(super) value: T,
    /// Whether a change outside the run changed it after the run did.
    pub(super) is_changed_since: bool,
}

/// Values before the run, by name.
pub(super) type Values = BTreeMap<String, Former<Value>>;

/// One resource before the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    pub(super) is_group: bool,
    /// Whether the run made it: it was not there before the oldest of its changes.
    pub(super) is_made: bool,
    /// Whether a POST of the run brought the person back, under the old id.
    pub(super) is_revived: bool,
    /// The resource as the first deletion of the run found it.
    pub(super) deleted: Option<Former<Deleted>>,
    /// The version that the last deletion found, if there were several; else 0.
    version: i64,
    /// The names of what changes outside the run changed after that deletion.
    changed_since: BTreeSet<String>,
    pub(super) values: Values,
    pub(super) members: BTreeMap<String, Former<Option<Member>>>,
    /// The rules that the run bound to the group or let go, and whether each was bound to it.
    pub(super) rules: BTreeMap<String, Former<bool>>,
    /// The names of what the run replaced and nobody kept, each with the reason.
    pub(super) unkept: BTreeMap<String, &'static str>,
    /// The seat, where the run gave the person a place in a queue or took it.
    pub(super) seat: Option<Former<FormerSeat>>,
    /// Whether the clock carried out that the person had left the last group.
    pub(super) is_of_groupless: bool,
    /// The license that a person had; `None` where the run did not move it.
    pub(super) license: Option<Option<String>>,
    /// The license that became free for the person in the run.
    pub(super) promoted_to: Option<String>,
}

/// The resources of a run, by id.
pub(super) type Run = BTreeMap<String, Past>;

/// What changes outside the run have changed, of one resource.
#[derive(Default)]
struct Since {
    /// It was made or deleted.
    is_all: bool,
    values: BTreeSet<String>,
    members: BTreeSet<String>,
    rules: BTreeSet<String>,
    /// Members changed, and nobody kept which.
    any_member: bool,
    /// A place in a queue was taken.
    place: bool,
}

/// Reads a run.
pub(super) fn read(tx: &mut ReadTx<'_>, asked: &Asked) -> Result<Run, ProvisioningError> {
    let requests = requests(tx, asked)?;
    let (mut run, mut since) = (Run::new(), HashMap::<String, Since>::new());
    for_each(tx, asked.since_ms, |change| {
        let (kind, verb) = change.kind.split_once('.').unwrap_or_default();
        let kind = [ResourceKind::User, ResourceKind::Group]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(kind));
        let Some(kind) = kind else { return Ok(()) };
        let detail: Value = serde_json::from_str(&change.detail).unwrap_or_default();
        let image = change.image.as_deref().map(serde_json::from_str::<Image>).transpose();
        let image = image.map_err(|e| damaged(&change, &e))?;
        let is_back = verb == "restored" && image.as_ref().is_none_or(Image::is_of_seat_alone);
        let why_unkept = if image.is_some() { NOT_KEPT } else { NOT_KEPT_ANY_MORE };
        let image = image.unwrap_or_else(|| Image::of_record(verb, &detail));
        let since = since.entry(change.resource_id.clone()).or_default();
        if !requests.have(&change) {
            since.is_all |= matches!(verb, "created" | "revived" | "deleted") || is_back;
            since.any_member |= image.unkept.contains(MEMBERS);
            since.place |= image.seat.is_some_and(|seat| seat.place.is_some());
            since.values.extend(image.values.into_keys().chain(image.unkept));
            since.members.extend(image.members.into_keys());
            since.rules.extend(image.rules.into_keys());
            return Ok(());
        }
        let past = run.entry(change.resource_id.clone()).or_default();
        past.is_group = kind == ResourceKind::Group;
        past.is_of_groupless |= is_cause(&detail);
        past.add(verb, Kept { image, why_unkept }, since);
        past.note_license(verb, &detail);
        Ok(())
    })?;
    Ok(run)
}

/// What a change of the run replaced, as far as it is kept.
struct Kept {
    image: Image,
    /// The reason for which something of it is not kept.
    why_unkept: &'static str,
}

impl Past {
    /// Adds a change that is older than those before.
    fn add(&mut self, verb: &str, kept: Kept, since: &Since) {
        let Kept { image: Image { values, members, rules, deleted, seat, unkept }, why_unkept } = kept;
        // Of who was deleted in the run before a POST revived the person, the deletion is the older change.
        self.is_made = matches!(verb, "created" | "revived");
        if verb == "revived" {
            // What newer changes of the run replaced was sent with the revival.
            self.is_revived = true;
            self.values.clear();
            self.unkept.clear();
            self.seat = None;
        }
        if let Some(value) = deleted {
            self.pass_deletion();
            self.unkept.remove(WHOLE);
            self.changed_since.clone_from(&since.values);
            self.deleted = Some(Former { value, is_changed_since: since.is_all });
        }
        for name in unkept {
            // What a newer change of the run replaced is the run's own.
            match name.as_str() {
                WHOLE => self.pass_deletion(),
                MEMBERS => self.members.clear(),
                name => drop(self.values.remove(name)),
            }
            self.unkept.insert(name, why_unkept);
        }
        for (name, value) in values {
            self.unkept.remove(&name);
            let is_changed_since = since.is_all && self.deleted.is_none() || since.values.contains(&name);
            self.values.insert(name, Former { value, is_changed_since });
        }
        for (id, value) in members {
            let is_changed_since = since.any_member || since.members.contains(&id);
            self.members.insert(id, Former { value, is_changed_since });
        }
        for (rule, value) in rules {
            let is_changed_since = since.rules.contains(&rule);
            self.rules.insert(rule, Former { value, is_changed_since });
        }
        if let Some(value) = seat {
            self.seat = Some(Former { value, is_changed_since: since.place });
        }
    }

    /// Drops the newest deletion so far, because it took what the run itself had made. Its version alone is kept.
    fn pass_deletion(&mut self) {
        if let Some(newer) = self.deleted.take() {
            self.version = self.version.max(newer.value.record("").version);
        }
    }

    /// The place in a queue that is to be given back.
    pub(super) fn place(&self) -> Option<&WaitingPlace> {
        let seat = self.seat.as_ref().filter(|seat| !self.is_made && !seat.is_changed_since)?;
        seat.value.place.as_ref()
    }

    /// The number of the person's place in a queue before the run; `None` for a person who did not wait. Who was promoted in the run had a
    /// place that is not kept, so that person counts as the last one.
    pub(super) fn place_number(&self) -> Option<i64> {
        self.place().map(|place| place.number).or(self.promoted_to.as_ref().map(|_| i64::MAX))
    }

    /// The resource as the first deletion of the run found it. The version is that of the last deletion, because no version may come twice.
    pub(super) fn kept(&self, id: &str) -> Option<Record> {
        let record = self.deleted.as_ref()?.value.record(id);
        Some(Record { version: record.version.max(self.version), ..record })
    }

    /// The values before the run of a resource that is here as `now`. Who was deleted in the run, and is here
    /// again, had all that the deletion kept.
    pub(super) fn before_run(
        &self,
        id: &str,
        now: Option<&State>,
    ) -> Result<Cow<'_, Values>, DirectoryError> {
        let (Some(now), Some(former)) = (now, &self.deleted) else { return Ok(Cow::Borrowed(&self.values)) };
        let was = State::of(&former.value.record(id))?;
        let image = Image::of_change([&was.document, &now.document], [&was.standing, &now.standing]);
        let image = if was.origin == now.origin { image } else { image.with_origin(was.origin) };
        let mut values: Values = BTreeMap::new();
        for (name, value) in image.values.into_iter().filter(|(name, _)| !self.unkept.contains_key(name)) {
            let is_changed_since = self.changed_since.contains(&name);
            values.insert(name, Former { value, is_changed_since });
        }
        // What the run changed before it deleted the person.
        values.extend(self.values.clone());
        Ok(Cow::Owned(values))
    }

    /// Notes what a record tells of the license before it.
    fn note_license(&mut self, verb: &str, detail: &Value) {
        let text = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
        let (before, after) = (text("license_before"), text("license_granted"));
        match verb {
            // What a newer change of the run found was the license that the person got here.
            "promoted" | "reseated" => (self.promoted_to, self.license) = (after, None),
            // A record of staff's or of a held write may tell no seat.
            _ if before.is_none() && detail.get("role_before").is_none() => {}
            _ if before != after => self.license = Some(before),
            _ => {}
        }
    }
}

/// The requests whose changes are the run.
struct Requests {
    since_ms: i64,
    /// Those of the identity provider; `None`: all.
    of_idp: Option<BTreeSet<String>>,
    /// The numbers of what the clock did because of those.
    of_clock: BTreeSet<i64>,
    /// Those that undid others.
    undoing: BTreeSet<String>,
}

impl Requests {
    /// Whether a change belongs to the run.
    fn have(&self, change: &Replaced) -> bool {
        let id = &change.request_id;
        change.at_ms >= self.since_ms
            && !self.undoing.contains(id)
            && (self.of_idp.as_ref().is_none_or(|ids| ids.contains(id))
                || self.of_clock.contains(&change.number))
    }
}

/// What the clock did with people who had left their last group, and the requests that took them out of it.
#[derive(Default)]
struct Groupless {
    /// The numbers of such changes by person, as long as the request is not found.
    unexplained: BTreeMap<String, i64>,
    /// The requests, by the numbers of such changes.
    requests: BTreeMap<i64, String>,
}

impl Groupless {
    /// Looks at a change that is older than those before.
    fn look_at(&mut self, change: &Replaced) {
        if change.idp.is_none() && change.detail.contains(CAUSE) {
            let detail: Value = serde_json::from_str(&change.detail).unwrap_or_default();
            if is_cause(&detail) {
                self.unexplained.entry(change.resource_id.clone()).or_insert(change.number);
                return;
            }
        }
        if self.unexplained.is_empty() {
            return;
        }
        let Some(image) = change.image.as_deref() else { return };
        let image: Image = serde_json::from_str(image).unwrap_or_default();
        for (id, _) in image.members.into_iter().filter(|(_, former)| former.is_some()) {
            if let Some(number) = self.unexplained.remove(&id) {
                self.requests.insert(number, change.request_id.clone());
            }
        }
    }
}

fn requests(tx: &mut ReadTx<'_>, asked: &Asked) -> Result<Requests, ProvisioningError> {
    let mut requests = Requests {
        since_ms: asked.since_ms,
        of_idp: asked.idp.as_ref().map(|_| BTreeSet::new()),
        of_clock: BTreeSet::new(),
        undoing: BTreeSet::new(),
    };
    let mut groupless = Groupless::default();
    for_each(tx, asked.since_ms, |change| {
        if asked.idp.is_some() {
            groupless.look_at(&change);
        }
        if change.kind.ends_with(RESTORED) {
            requests.undoing.insert(change.request_id);
        } else if let Some(ids) = &mut requests.of_idp
            && change.at_ms >= asked.since_ms
            && change.idp.is_some()
            && change.idp == asked.idp
        {
            ids.insert(change.request_id);
        }
        Ok(())
    })?;
    if let Some(ids) = &requests.of_idp {
        let because = groupless.requests.into_iter().filter(|(_, request)| ids.contains(request));
        requests.of_clock = because.map(|(number, _)| number).collect();
    }
    Ok(requests)
}

/// Visits the changes from a moment on, newest number first, and with them some that are a little older ([`DISORDER_MS`]).
fn for_each(
    tx: &mut ReadTx<'_>,
    since_ms: i64,
    mut visit: impl FnMut(Replaced) -> Result<(), ProvisioningError>,
) -> Result<(), ProvisioningError> {
    let mut below = i64::MAX;
    loop {
        let page = before_images::before(tx, below, AT_ONCE)?;
        let Some(last) = page.last() else { return Ok(()) };
        below = last.number;
        for change in page {
            if change.at_ms < since_ms.saturating_sub(DISORDER_MS) {
                return Ok(());
            }
            visit(change)?;
        }
    }
}

fn damaged(change: &Replaced, error: &serde_json::Error) -> ProvisioningError {
    let (id, cause) = (change.resource_id.clone(), error.to_string());
    DirectoryError::BadDocument { id, cause }.into()
}
