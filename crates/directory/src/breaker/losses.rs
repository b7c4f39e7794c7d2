//! Losses of access: those that wait, and those of the window that have passed, with what is needed to give them back. Who was suspended is
//! still among the users; the row of one whom the identity provider has deleted is here alone, so that no query of users, no total and
//! no unique key meets that person.

use std::ops::Range;

use diesel::{dsl::count_star, dsl::min, prelude::*};
use serde_json::{Map, Value};
use store::{ReadTx, WriteTx, insert_row, next};

use crate::{
    DirectoryError, Origin, key,
    memberships::left::Left,
    resources::{Record, Row},
    schema::breaker_losses as losses,
    standing::{Held, Standing},
};

/// The name under which what is noted of the seat rests among the attributes; no attribute has it.
const SEAT: &str = ":seat";

/// The name under which it rests there that the person had left the last group.
const LEFT_LAST_GROUP: &str = ":left_last_group";

/// A person with a loss.
#[derive(Clone, Debug, PartialEq)]
pub struct LostPerson {
    /// The person.
    pub user_id: String,
    /// The place among the losses.
    pub place: i64,
    /// Whether the loss waits; else it has passed.
    pub is_held: bool,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: i64,
    /// The attributes that the write changed.
    pub lost: Lost,
    /// What was chosen here before it.
    pub standing: Standing,
    /// The seat before the loss, as the caller noted it; null where the caller noted none. Only the caller understands it.
    pub seat: Value,
    /// Whether the person had left the last group before it ([`crate::memberships::groupless::has_left`]).
    pub left_last_group: bool,
    /// The row of a person who is deleted for the identity provider.
    pub deleted: Option<Deleted>,
    /// Whether the person was deleted and the id alone is kept ([`keep_id`]).
    pub is_unkept: bool,
}

/// The row of a person who is deleted for the identity provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Deleted {
    /// As it was when the person was deleted, with the standing that holds.
    pub record: Record,
    /// The groups that the person was in.
    pub memberships: Vec<Left>,
}

/// Attributes that a write changed, each with its value before and after it; null is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lost(pub Map<String, Value>);

impl Lost {
    /// The attributes in which two documents differ.
    #[must_use]
    pub fn between(before: &Map<String, Value>, after: &Map<String, Value>) -> Self {
        let value =
            |document: &Map<String, Value>, name: &str| document.get(name).cloned().unwrap_or_default();
        let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
        let differing = names.filter(|name| before.get(*name) != after.get(*name));
        let both = |name: &String| Value::Array(vec![value(before, name), value(after, name)]);
        Self(differing.map(|name| (name.clone(), both(name))).collect())
    }

    /// The text that rests in the store.
    fn text(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// The attributes as they were before the write.
    #[must_use]
    pub fn before(&self) -> Map<String, Value> {
        self.values(0)
    }

    /// The attributes as they were after it.
    #[must_use]
    pub fn after(&self) -> Map<String, Value> {
        self.values(1)
    }

    fn values(&self, place: usize) -> Map<String, Value> {
        let values = self.0.iter().filter_map(|(name, both)| Some((name, both.get(place)?)));
        let present = values.filter(|(_, value)| !value.is_null());
        present.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// A loss that is to be noted.
#[derive(Clone, Copy, Debug)]
pub struct NewLoss<'a> {
    /// The person.
    pub user_id: &'a str,
    /// Whether it waits.
    pub is_held: bool,
    /// Whether it is the first of its window.
    pub opened: bool,
    /// The attributes that the write changed.
    pub lost: &'a Lost,
    /// What was chosen here before it.
    pub standing: &'a Standing,
    /// The seat, as [`LostPerson::seat`] has it.
    pub seat: &'a Value,
    /// The mark that [`LostPerson::left_last_group`] has.
    pub left_last_group: bool,
}

impl NewLoss<'_> {
    /// The attributes as they rest, with what is noted beside them.
    fn text(&self) -> String {
        let mut members = self.lost.0.clone();
        if !self.seat.is_null() {
            members.insert(SEAT.to_owned(), self.seat.clone());
        }
        if self.left_last_group {
            members.insert(LEFT_LAST_GROUP.to_owned(), true.into());
        }
        Value::Object(members).to_string()
    }
}

/// Notes a loss, in the place of an earlier one of the same person.
///
/// # Errors
/// When the store fails.
pub fn insert(tx: &mut WriteTx<'_>, new: &NewLoss<'_>) -> Result<(), DirectoryError> {
    remove(tx, new.user_id)?;
    let chosen = new.standing.role.as_ref();
    insert_row!(
        tx,
        losses::table,
        losses::user_id = new.user_id,
        losses::place = next(losses::table, losses::place),
        losses::held = i64::from(new.is_held),
        losses::since_ms = tx.now_ms(),
        losses::opened = i64::from(new.opened),
        losses::lost = new.text(),
        losses::set_role = chosen.map(|chosen| chosen.role.clone()),
        losses::set_role_by = chosen.map(|chosen| chosen.by.key()),
        losses::set_active = new.standing.active.map(i64::from),
    )?;
    Ok(())
}

/// Keeps the row of a person with a loss who is about to be removed from the users.
///
/// # Errors
/// When the store fails.
pub fn keep(tx: &mut WriteTx<'_>, record: &Record, row: &Row, left: &[Left]) -> Result<(), DirectoryError> {
    let columns = (
        losses::user_name_key.eq(Some(&row.name_key)),
        losses::external_id_key.eq(&row.external_id_key),
        losses::document.eq(Some(&record.document)),
        losses::version.eq(Some(record.version)),
        losses::created_ms.eq(Some(record.created_ms)),
        losses::modified_ms.eq(Some(record.modified_ms)),
        losses::origin.eq(Some(record.origin.key())),
        losses::origin_since_ms.eq(record.origin_since_ms),
        losses::memberships.eq(Some(Left::to_text(left))),
    );
    tx.update(losses::table.find(&record.id), columns)?;
    Ok(())
}

/// Keeps nothing that names a person with a loss who is about to be removed from the users: the id alone, and
/// the version, which tells that there was a deletion.
///
/// # Errors
/// When the store fails.
pub fn keep_id(tx: &mut WriteTx<'_>, record: &Record) -> Result<(), DirectoryError> {
    forget_row(tx, &record.id, &Lost::default())?;
    forget_choices(tx, &record.id)?;
    tx.update(losses::table.find(&record.id), losses::version.eq(Some(record.version)))?;
    Ok(())
}

/// The person is one of the users again, and waits on; `lost` is what the write that brought the person back has changed.
///
/// # Errors
/// When the store fails.
pub fn return_to_users(tx: &mut WriteTx<'_>, user_id: &str, lost: &Lost) -> Result<(), DirectoryError> {
    forget_row(tx, user_id, lost)
}

/// Forgets what is kept of the row of a person; `lost` is what is noted of the loss from now on.
fn forget_row(tx: &mut WriteTx<'_>, user_id: &str, lost: &Lost) -> Result<(), DirectoryError> {
    let columns = (
        losses::lost.eq(lost.text()),
        losses::user_name_key.eq(None::<String>),
        losses::external_id_key.eq(None::<String>),
        losses::document.eq(None::<String>),
        losses::version.eq(None::<i64>),
        losses::created_ms.eq(None::<i64>),
        losses::modified_ms.eq(None::<i64>),
        losses::origin.eq(None::<String>),
        losses::origin_since_ms.eq(None::<i64>),
        losses::memberships.eq(None::<String>),
    );
    tx.update(losses::table.find(user_id), columns)?;
    Ok(())
}

/// Forgets what was chosen here before the loss of a person, whom staff have released since: none of it comes back.
///
/// # Errors
/// When the store fails.
pub fn forget_choices(tx: &mut WriteTx<'_>, user_id: &str) -> Result<(), DirectoryError> {
    let columns = (
        losses::set_role.eq(None::<String>),
        losses::set_role_by.eq(None::<String>),
        losses::set_active.eq(None::<i64>),
    );
    tx.update(losses::table.find(user_id), columns)?;
    Ok(())
}

/// Forgets a person.
///
/// # Errors
/// When the store fails.
pub fn remove(tx: &mut WriteTx<'_>, user_id: &str) -> Result<(), DirectoryError> {
    tx.execute(diesel::delete(losses::table.find(user_id)))?;
    Ok(())
}

/// Forgets the losses that have passed in this time, in milliseconds since 1970 UTC.
///
/// # Errors
/// When the store fails.
pub fn forget_passed(tx: &mut WriteTx<'_>, time: Range<i64>) -> Result<(), DirectoryError> {
    let passed = losses::table
        .filter(losses::held.eq(0))
        .filter(losses::since_ms.ge(time.start))
        .filter(losses::since_ms.lt(time.end));
    tx.execute(diesel::delete(passed))?;
    Ok(())
}

/// Whether the loss of this person has passed and is kept.
///
/// # Errors
/// When the store fails.
pub fn has_passed(tx: &mut ReadTx<'_>, user_id: &str) -> Result<bool, DirectoryError> {
    let held = tx.get_result::<i64>(losses::table.find(user_id).select(losses::held)).optional()?;
    Ok(held == Some(0))
}

/// The time since which the loss of this person waits, in milliseconds since 1970 UTC.
///
/// # Errors
/// When the store fails.
pub fn held_since_ms(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Option<i64>, DirectoryError> {
    let own = losses::table.find(user_id).filter(losses::held.eq(1));
    Ok(tx.get_result(own.select(losses::since_ms)).optional()?)
}

/// Whether the loss of this person opened the breaker.
///
/// # Errors
/// When the store fails.
pub fn has_opened(tx: &mut ReadTx<'_>, user_id: &str) -> Result<bool, DirectoryError> {
    let opened = tx.get_result::<i64>(losses::table.find(user_id).select(losses::opened)).optional()?;
    Ok(opened == Some(1))
}

/// How many people wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All of them.
    pub people: i64,
    /// Those whom the identity provider has deleted.
    pub deleted: i64,
    /// Since when the first of them waits, in milliseconds since 1970 UTC.
    pub since_ms: Option<i64>,
}

/// How many people wait, and since when.
///
/// # Errors
/// When the store fails.
pub fn count(tx: &mut ReadTx<'_>) -> Result<Count, DirectoryError> {
    let held = losses::table.filter(losses::held.eq(1)).select((count_star(), min(losses::since_ms)));
    let (people, since_ms) = tx.get_result(held)?;
    let deleted = who_are_deleted();
    Ok(Count { people, deleted: tx.get_result(deleted.select(count_star()))?, since_ms })
}

/// The people whom the identity provider has deleted and whose loss waits.
#[diesel::dsl::auto_type]
fn who_are_deleted() -> _ {
    losses::table.filter(losses::held.eq(1_i64)).filter(losses::user_name_key.is_not_null())
}

/// The ids of the people whom the identity provider has deleted and whose loss waits.
///
/// # Errors
/// When the store fails.
pub fn deleted_ids(tx: &mut ReadTx<'_>) -> Result<Vec<String>, DirectoryError> {
    let deleted = who_are_deleted();
    Ok(tx.load(deleted.order(losses::user_id).select(losses::user_id))?)
}

/// The columns of a person.
macro_rules! columns {
    () => {
        (
            (losses::user_id, losses::place, losses::held, losses::since_ms, losses::lost),
            (losses::set_role, losses::set_role_by, losses::set_active),
            (
                losses::document,
                losses::version,
                losses::created_ms,
                losses::modified_ms,
                losses::origin,
                losses::origin_since_ms,
                losses::memberships,
            ),
        )
    };
}

type Base = (String, i64, i64, i64, String);
type Chosen = (Option<String>, Option<String>, Option<i64>);
type Kept =
    (Option<String>, Option<i64>, Option<i64>, Option<i64>, Option<String>, Option<i64>, Option<String>);
type Columns = (Base, Chosen, Kept);

fn read(columns: Columns) -> Result<LostPerson, DirectoryError> {
    let ((user_id, place, held, since_ms, lost), (role, by, active), kept) = columns;
    let damaged = |id: &str, e: serde_json::Error| DirectoryError::BadDocument {
        id: id.to_owned(),
        cause: e.to_string(),
    };
    let mut lost = Lost(serde_json::from_str(&lost).map_err(|e| damaged(&user_id, e))?);
    let seat = lost.0.remove(SEAT).unwrap_or_default();
    let left_last_group = lost.0.remove(LEFT_LAST_GROUP).is_some();
    let standing = Standing::of_row((role, by, active, None));
    let (document, version, created_ms, modified_ms, origin, origin_since_ms, memberships) = kept;
    let is_unkept = document.is_none() && version.is_some();
    let deleted = document.map(|document| {
        let memberships = Left::of_text(memberships.as_deref().unwrap_or("[]"));
        Ok::<_, DirectoryError>(Deleted {
            record: Record {
                id: user_id.clone(),
                document,
                version: version.unwrap_or_default(),
                created_ms: created_ms.unwrap_or_default(),
                modified_ms: modified_ms.unwrap_or_default(),
                regrouped_version: 0,
                changed_number: 0,
                origin: origin.as_deref().map_or_else(Origin::default, Origin::of_key),
                origin_since_ms,
                standing: Standing { held: (held == 1).then_some(Held::Breaker), ..standing.clone() },
            },
            memberships: memberships.map_err(|e| damaged(&user_id, e))?,
        })
    });
    let deleted = deleted.transpose()?;
    let is_held = held == 1;
    Ok(LostPerson {
        user_id,
        place,
        is_held,
        since_ms,
        lost,
        standing,
        seat,
        left_last_group,
        deleted,
        is_unkept,
    })
}

/// Some losses in their order, behind this place: those that wait, or all.
///
/// # Errors
/// When the store fails.
pub fn after(
    tx: &mut ReadTx<'_>,
    place: i64,
    held_alone: bool,
    most: i64,
) -> Result<Vec<LostPerson>, DirectoryError> {
    let least = i64::from(held_alone);
    let rows = losses::table.filter(losses::place.gt(place)).filter(losses::held.ge(least));
    let rows: Vec<Columns> =
        rows.order(losses::place).limit(most).select(columns!()).load(tx.connection())?;
    rows.into_iter().map(read).collect()
}

/// A person whom the identity provider has deleted and whose loss waits.
///
/// # Errors
/// When the store fails.
pub fn deleted(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Option<LostPerson>, DirectoryError> {
    let row = who_are_deleted().filter(losses::user_id.eq(user_id));
    let row: Option<Columns> = tx.get_result(row.select(columns!())).optional()?;
    row.map(read).transpose()
}

/// The newest of those who had this name ([`crate::user_name_key`]).
///
/// # Errors
/// When the store fails.
pub fn deleted_by_name(tx: &mut ReadTx<'_>, name_key: &str) -> Result<Option<LostPerson>, DirectoryError> {
    let rows = who_are_deleted().filter(losses::user_name_key.eq(name_key));
    let rows = rows.order(losses::place.desc()).limit(1);
    let row: Option<Columns> = tx.get_result(rows.select(columns!())).optional()?;
    row.map(read).transpose()
}

/// The same by the userName of a row that is to be inserted.
///
/// # Errors
/// When the store fails.
pub fn deleted_before(tx: &mut ReadTx<'_>, row: &Row) -> Result<Option<LostPerson>, DirectoryError> {
    deleted_by_name(tx, &row.name_key)
}

/// The id of the one of them whom a word names: by id, userName or externalId, in this order.
///
/// # Errors
/// When the store fails.
pub fn named(tx: &mut ReadTx<'_>, word: &str) -> Result<Option<String>, DirectoryError> {
    let deleted = || who_are_deleted().order(losses::place.desc()).limit(1);
    let by_id = deleted().filter(losses::user_id.eq(word)).select(losses::user_id);
    if let Some(id) = tx.get_result::<String>(by_id).optional()? {
        return Ok(Some(id));
    }
    let by_name = deleted().filter(losses::user_name_key.eq(key::user_name(word))).select(losses::user_id);
    if let Some(id) = tx.get_result::<String>(by_name).optional()? {
        return Ok(Some(id));
    }
    let by_external_id = deleted().filter(losses::external_id_key.eq(key::exact(word).into_owned()));
    Ok(tx.get_result::<String>(by_external_id.select(losses::user_id)).optional()?)
}

/// Some of them in the order of their ids, behind this one.
///
/// # Errors
/// When the store fails.
pub fn deleted_after(
    tx: &mut ReadTx<'_>,
    id: Option<&str>,
    most: i64,
) -> Result<Vec<Record>, DirectoryError> {
    let rows = who_are_deleted();
    let rows = rows.filter(losses::user_id.gt(id.unwrap_or(""))).order(losses::user_id).limit(most);
    let rows: Vec<Columns> = rows.select(columns!()).load(tx.connection())?;
    let people = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(people.into_iter().filter_map(|person| Some(person.deleted?.record)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn what_a_write_changed_rests_with_its_values_before_and_after() {
        let before = map(json!({ "active": true, "title": "Dr", "roles": ["a"], "locale": "de" }));
        let after = map(json!({ "active": false, "title": "Dr", "nickName": "x", "locale": "de" }));
        let lost = Lost::between(&before, &after);
        assert_eq!(lost.before(), map(json!({ "active": true, "roles": ["a"] })));
        assert_eq!(lost.after(), map(json!({ "active": false, "nickName": "x" })));
        assert_eq!(Lost::between(&before, &before), Lost::default());
    }

    #[test]
    fn what_is_noted_beside_the_attributes_rests_with_them_and_is_none_of_them() {
        let (before, after) = (map(json!({ "active": true })), map(json!({ "active": false })));
        let lost = Lost::between(&before, &after);
        let text = |seat: &Value, left_last_group: bool| {
            let (user_id, standing) = ("id", &Standing::default());
            let (is_held, opened, lost) = (false, false, &lost);
            NewLoss { user_id, is_held, opened, lost, standing, seat, left_last_group }.text()
        };
        assert_eq!(text(&Value::Null, false), r#"{"active":[true,false]}"#);
        let text = text(&json!({ "license": "member" }), true);
        let noted = r#"{"active":[true,false],":seat":{"license":"member"},":left_last_group":true}"#;
        assert_eq!(text, noted);
        let lost = Lost(serde_json::from_str(&text).unwrap());
        assert_eq!((lost.before(), lost.after()), (before, after));
    }
}
