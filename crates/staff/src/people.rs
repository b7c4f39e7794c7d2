//! What staff see of a tenant's people and groups, and what they do to people.

use std::sync::Arc;

use provisioning::{
    Rules,
    explain::{self, Asked, Explained},
    people::{self, NewPerson, PersonChange},
    roster::{self, GroupOfPeople, Person, Wanted},
    wipes,
};
use serde::Deserialize;
use store::{ReadTx, WriteTx};

use crate::{StaffError, TenantActs};

/// The body of a person to be added.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRequest {
    /// `userName`
    pub user_name: String,
    /// A role of the profile.
    pub role: Option<String>,
    /// `externalId`
    pub external_id: Option<String>,
    /// The primary e-mail address.
    pub email: Option<String>,
}

/// The body of what is set of a person.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonChangeRequest {
    /// A role of the profile.
    pub role: Option<String>,
    /// Whether the person may work.
    pub active: Option<bool>,
}

type Result<T> = std::result::Result<T, StaffError>;

impl TenantActs {
    /// People in the order of their ids, after this one, at most so many.
    pub async fn people(
        &self,
        rules: Arc<Rules>,
        wanted: Wanted,
        after: Option<String>,
        most: usize,
    ) -> Result<Vec<Person>> {
        if let Some(state) = wanted.state.as_deref().filter(|state| !roster::is_state(state)) {
            return Err(StaffError::BadRequest(format!("There is no state {state:?}")));
        }
        self.read(move |tx: &mut ReadTx<'_>| roster::people(tx, &rules, &wanted, after, most)).await
    }

    /// One person.
    pub async fn person(&self, rules: Arc<Rules>, id: String) -> Result<Person> {
        self.read(move |tx: &mut ReadTx<'_>| roster::person(tx, &rules, &id)).await
    }

    /// Why a person is missing, or without the license: one who is named by userName, e-mail address, externalId, id, or the ref of a
    /// refusal. `contact` is whom the tenant's administrators should ask.
    pub async fn explain(&self, rules: Arc<Rules>, user: String, contact: String) -> Result<Explained> {
        let target = format!("--region {} --key {}", self.registry.region(), self.key);
        self.read(move |tx: &mut ReadTx<'_>| {
            explain::explain(tx, &rules, Asked { user: &user, contact: &contact, target: &target })
        })
        .await
    }

    /// Groups in the order of their ids, after this one, at most so many.
    pub async fn groups(
        &self,
        rules: Arc<Rules>,
        after: Option<String>,
        most: usize,
    ) -> Result<Vec<GroupOfPeople>> {
        self.read(move |tx: &mut ReadTx<'_>| roster::groups(tx, &rules, after, most)).await
    }

    /// One group with its members.
    pub async fn group(&self, rules: Arc<Rules>, id: String) -> Result<GroupOfPeople> {
        self.read(move |tx: &mut ReadTx<'_>| roster::group(tx, &rules, &id)).await
    }

    /// Adds a person of staff.
    pub async fn add_person(&self, rules: Arc<Rules>, new: PersonRequest) -> Result<Person> {
        let PersonRequest { user_name, role, external_id, email } = new;
        let (new, act) = (NewPerson { user_name, role, external_id, email }, self.act.clone());
        self.write(move |tx: &mut WriteTx<'_>| people::add(tx, &rules, &new, &act)).await
    }

    /// Sets a person's role or activity.
    pub async fn set_person(
        &self,
        rules: Arc<Rules>,
        id: String,
        change: PersonChangeRequest,
    ) -> Result<Person> {
        let PersonChangeRequest { role, active } = change;
        if role.is_none() && active.is_none() {
            return Err(StaffError::BadRequest("Send role or active".to_owned()));
        }
        let (change, act) = (PersonChange { role, active }, self.act.clone());
        self.write(move |tx: &mut WriteTx<'_>| people::set(tx, &rules, &id, &change, &act)).await
    }

    /// Forgets what staff chose for a person, and carries out what waits.
    pub async fn release_person(&self, rules: Arc<Rules>, id: String) -> Result<Person> {
        let act = self.act.clone();
        self.write(move |tx: &mut WriteTx<'_>| people::release(tx, &rules, &id, &act)).await
    }

    /// Carries out what waits for a group, or drops it.
    pub async fn release_group(
        &self,
        rules: Arc<Rules>,
        id: String,
        is_dropped: bool,
    ) -> Result<GroupOfPeople> {
        let act = self.act.clone();
        self.write(move |tx: &mut WriteTx<'_>| wipes::release(tx, &rules, &id, is_dropped, &act)).await
    }

    /// Deletes a person.
    pub async fn delete_person(&self, rules: Arc<Rules>, id: String) -> Result<()> {
        let act = self.act.clone();
        self.write(move |tx: &mut WriteTx<'_>| people::delete(tx, &rules, &id, &act)).await
    }
}
