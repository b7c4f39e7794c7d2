//! How people stand in the log (`log.people`): by userName, or by a keyed hash of it. The hash finds the rows of a person whose name is
//! known, and tells nobody the name.

use std::{borrow::Cow, fmt};

use directory::{
    breaker::losses,
    cursor_keys,
    log::{self, LoggedPerson, Segment},
    resources::{self, Record, is_id},
    user_name_key,
};
use hmac::{Hmac, Mac};
use profiles::choice::People;
use scim_core::ResourceKind;
use serde::{
    Deserialize, Deserializer as _,
    de::{IgnoredAny, MapAccess, Visitor},
};
use sha2::Sha256;
use store::{ReadTx, WriteTx};

use crate::{ProvisioningError, facts::Cause};

pub use directory::log::About;

/// What a hash begins with. No userName is one by chance, because a hash is compared as a whole.
const HASH: &str = "hash:";

/// A person as the log holds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    key: String,
    name: Option<String>,
}

impl Person {
    /// The person of this userName.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn of(
        tx: &mut WriteTx<'_>,
        people: People,
        user_name: &str,
    ) -> Result<Self, ProvisioningError> {
        let key = user_name_key(user_name);
        Ok(match people {
            People::Names => Self { name: (key != user_name).then(|| user_name.to_owned()), key },
            People::Ids => {
                let secret = secret(tx)?;
                Self { key: hash(&secret, &key), name: None }
            }
        })
    }

    /// The person of this row.
    ///
    /// # Errors
    /// When the stored document is damaged, or the store fails.
    pub(crate) fn of_record(
        tx: &mut WriteTx<'_>,
        people: People,
        record: &Record,
    ) -> Result<Self, ProvisioningError> {
        let name = user_name(record)?;
        Self::of(tx, people, &name)
    }

    /// The person whom a write of this resource is about, where it is a person and the log tells of people.
    ///
    /// # Errors
    /// As [`Person::of_record`].
    pub(crate) fn in_record(
        tx: &mut WriteTx<'_>,
        cause: Cause<'_>,
        kind: ResourceKind,
        record: &Record,
    ) -> Result<Option<Self>, ProvisioningError> {
        let people = cause.people.filter(|_| kind == ResourceKind::User);
        people.map(|people| Self::of_record(tx, people, record)).transpose()
    }

    pub(crate) fn logged(&self) -> LoggedPerson<'_> {
        LoggedPerson { key: &self.key, name: self.name.as_deref() }
    }
}

/// The userName in a stored document, without a look at what follows it.
fn user_name(record: &Record) -> Result<Cow<'_, str>, ProvisioningError> {
    let mut found = None;
    let mut document = serde_json::Deserializer::from_str(&record.document);
    // Who stops before the end is told that the rest is not read.
    let read = document.deserialize_map(UserName(&mut found));
    match (found, read) {
        (Some(name), _) => Ok(name),
        (None, Ok(())) => Ok(Cow::default()),
        (None, Err(e)) => {
            Err(directory::DirectoryError::BadDocument { id: record.id.clone(), cause: e.to_string() }.into())
        }
    }
}

/// Reads a document up to its userName.
struct UserName<'f, 'a>(&'f mut Option<Cow<'a, str>>);

impl<'a> Visitor<'a> for UserName<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user's document")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
        while let Some(Text(name)) = members.next_key()? {
            if name == "userName" {
                let Text(user_name) = members.next_value()?;
                *self.0 = Some(user_name);
                break;
            }
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// The tenant's secret for hashes; made where there is none.
fn secret(tx: &mut WriteTx<'_>) -> Result<String, ProvisioningError> {
    let fresh = format!("{}{}", tx.new_id(), tx.new_id());
    Ok(cursor_keys::find_or_insert(tx, &fresh)?)
}

fn hash(secret: &str, key: &str) -> String {
    #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut keyed = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    keyed.update(b"log.people\0");
    keyed.update(key.as_bytes());
    format!("{HASH}{:x}", keyed.finalize().into_bytes())
}

/// The key that finds the rows of the person of this userName.
///
/// # Errors
/// When the store fails.
fn key_of(tx: &mut ReadTx<'_>, people: People, user_name: &str) -> Result<String, ProvisioningError> {
    let key = user_name_key(user_name);
    if people == People::Names || user_name.starts_with(HASH) {
        return Ok(key);
    }
    // Without a secret nobody was hashed.
    Ok(match cursor_keys::find(tx)? {
        Some(secret) => hash(&secret, &key),
        None => key,
    })
}

/// The keys that find the rows of nobody who is here, by these userNames, in their order.
///
/// # Errors
/// When the store fails.
pub(crate) fn keys_of(
    tx: &mut ReadTx<'_>,
    people: People,
    user_names: &[&str],
) -> Result<Vec<String>, ProvisioningError> {
    // Without a secret nobody was hashed.
    let secret = if people == People::Ids { cursor_keys::find(tx)? } else { None };
    let key = |name: &&str| match (&secret, user_name_key(name)) {
        (Some(secret), key) => hash(secret, &key),
        (None, key) => key,
    };
    Ok(user_names.iter().map(key).collect())
}

/// What finds the rows about a person whom staff name by userName, by id, or by the hash in the log.
///
/// # Errors
/// When the store fails.
pub fn about_person(
    tx: &mut ReadTx<'_>,
    people: People,
    user: &str,
) -> Result<Vec<About>, ProvisioningError> {
    Ok(match resources::find(tx, ResourceKind::User, user)? {
        Some(record) => vec![about_record(tx, people, &record)?],
        None if is_id(user) => {
            let id = user.to_owned();
            let person = match losses::deleted(tx, user)?.and_then(|person| person.deleted) {
                Some(waiting) => Some(about_record(tx, people, &waiting.record)?),
                None => log::key_of_deleted(tx, user)?.map(|key| About::Deleted { key, id: id.clone() }),
            };
            person.into_iter().chain([About::Resource(id)]).collect()
        }
        None => vec![About::Person(key_of(tx, people, user)?)],
    })
}

/// What finds the rows about the person of this row.
///
/// # Errors
/// When the stored document is damaged, or the store fails.
pub(crate) fn about_record(
    tx: &mut ReadTx<'_>,
    people: People,
    record: &Record,
) -> Result<About, ProvisioningError> {
    Ok(About::Person(key_of(tx, people, &user_name(record)?)?))
}

/// Leaves nothing in the log that names a person who is deleted, where the log holds hashes: rows may be of a time when it held names.
/// Those of an earlier userName of the person are left to the tick ([`hash_names`]).
///
/// # Errors
/// When the store fails.
pub(crate) fn forget(
    tx: &mut WriteTx<'_>,
    people: People,
    person: &Person,
    record: &Record,
) -> Result<(), ProvisioningError> {
    if people == People::Ids {
        log::rename(tx, &user_name_key(&user_name(record)?), &person.key)?;
        tx.falls_due(tx.now_ms());
    }
    Ok(())
}

/// The segments of the log with rows that name people, where it is to hold hashes: they are of a time when it held names.
///
/// # Errors
/// When the store fails.
pub fn segments_with_names(tx: &mut ReadTx<'_>, people: People) -> Result<Vec<Segment>, ProvisioningError> {
    Ok(match people {
        People::Names => Vec::new(),
        People::Ids => log::segments_of_other_keys(tx, HASH)?,
    })
}

/// Hashes the names in a segment of the log.
///
/// # Errors
/// When the store fails.
pub fn hash_names(tx: &mut WriteTx<'_>, segment: Segment) -> Result<(), ProvisioningError> {
    tx.go_beyond_limit();
    let secret = secret(tx)?;
    Ok(log::rename_in_segment(tx, segment, HASH, |key| hash(&secret, key))?)
}
