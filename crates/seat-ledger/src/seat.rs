//! A user's seat: what was asked for and what is held, as values and as a row.

use diesel::{prelude::*, query_builder::QueryId};
use serde::{Deserialize, Serialize};
use store::{ReadTx, WriteTx};
use strum::{EnumString, IntoStaticStr};

use crate::{
    License, Licenses, SeatError,
    error::{stored, stored_license},
    schema::seats,
};

/// The role and license that the profile derives for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatRequest {
    /// The person's role in the application.
    pub role: String,
    /// The role's place among the roles of the profile, 0 the dearest: who wait are promoted in this order.
    pub role_rank: i64,
    /// The license that the role needs.
    pub license: License,
    /// Whether the license's fallback will do; never for an admin.
    pub may_fall_back: bool,
    /// Whether the user is active: only then is a seat held (S5).
    pub active: bool,
    /// Whether the user waits where the policy would refuse: the role comes from a group, and one of many must not stop the
    /// others (S9).
    pub waits: bool,
    /// For how many days a suspended user keeps the seat.
    pub seat_grace_days: u32,
}

/// The state of a user's seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// Holds the license that was asked for.
    Granted,
    /// Holds another one and waits for the one that was asked for: a lesser one, or the dearer one that was held before.
    Fallback,
    /// Is active, holds none, and waits for the one that was asked for.
    Waitlisted,
    /// Is not active, keeps the request; holds none (S5), or for some days still the seat.
    Suspended,
    /// Keeps role and seat although something else was asked for: that waits until somebody decides.
    Held,
}

impl State {
    /// The word in responses and tables.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.into()
    }

    /// Whether the user is in the queue for the license that was asked for.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Fallback | Self::Waitlisted)
    }
}

/// Requested and granted are two facts: both are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The user who has it.
    pub user_id: String,
    /// The person's role in the application.
    pub role: String,
    /// The role's place among the roles of its profile when it was given.
    pub(crate) role_rank: i64,
    /// Whether the role takes the license's fallback.
    pub(crate) may_fall_back: bool,
    /// The license that was asked for.
    pub requested: License,
    /// The license that is held.
    pub granted: Option<License>,
    /// The state of the seat.
    pub state: State,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: i64,
    /// The place in the queue for the requested license.
    pub(crate) waiting_place: Option<i64>,
    /// Of a seat beyond the quota: its place among those, the lowest is repaid first.
    pub(crate) beyond_place: Option<i64>,
    /// Until when the seat is borrowed.
    pub borrowed_until_ms: Option<i64>,
    /// Until when a suspended user keeps the seat.
    pub kept_until_ms: Option<i64>,
}

/// A place in the queue for a license. It can be given back to the person who had it, because no number is given twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingPlace {
    /// The key of the license.
    pub license: String,
    /// Among people whose roles are equally dear the smaller number comes first.
    pub number: i64,
}

impl Seat {
    /// The place in the queue for the requested license; `None` for one who does not wait.
    #[must_use]
    pub fn place(&self) -> Option<WaitingPlace> {
        Some(WaitingPlace { license: self.requested.key().to_owned(), number: self.waiting_place? })
    }

    /// Whether the seat is one beyond the quota that is not borrowed.
    #[must_use]
    pub fn is_overage(&self) -> bool {
        self.beyond_place.is_some() && self.borrowed_until_ms.is_none()
    }

    /// When something about this seat falls due.
    #[must_use]
    pub fn due_ms(&self) -> Option<i64> {
        self.borrowed_until_ms.or(self.kept_until_ms)
    }

    /// The role's place among the roles of its profile when it was given.
    #[must_use]
    pub fn role_rank(&self) -> i64 {
        self.role_rank
    }

    /// Whether the seat already is what the request asks for.
    pub(crate) fn meets(&self, request: &SeatRequest) -> bool {
        let stands = match self.state {
            State::Suspended => !request.active,
            State::Granted | State::Fallback | State::Waitlisted => request.active,
            State::Held => false,
        };
        let asked = (&self.requested, self.role.as_str(), self.role_rank, self.may_fall_back);
        stands && asked == (&request.license, request.role.as_str(), request.role_rank, request.may_fall_back)
    }

    /// Whether a dearer license is held than was asked for, because no seat of that one was free.
    pub(crate) fn was_lowered(&self) -> bool {
        self.granted.as_ref().is_some_and(|held| *held < self.requested)
    }

    /// What the user asks for as it is.
    pub(crate) fn as_request(&self) -> SeatRequest {
        SeatRequest {
            role: self.role.clone(),
            role_rank: self.role_rank,
            license: self.requested.clone(),
            may_fall_back: self.may_fall_back,
            active: true,
            waits: true,
            seat_grace_days: 0,
        }
    }

    /// Why the user holds another license or none, as a sentence; `None` when the request was met.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let asked = self.requested.title();
        let held = self.granted.as_ref().map(License::title);
        match (self.state, held) {
            (State::Granted, _) if self.borrowed_until_ms.is_some() => Some(format!(
                "All {asked} seats are in use: the user borrows one until another becomes free.",
            )),
            (State::Granted, _) => None,
            (State::Suspended, None) => Some("The user is not active and holds no seat.".to_owned()),
            (State::Suspended, Some(held)) => {
                Some(format!("The user is not active and keeps the {held} seat for some days."))
            }
            (State::Fallback, held) => {
                let held = held.unwrap_or("no");
                let now = if self.was_lowered() { "keeps the" } else { "works with a" };
                Some(format!(
                    "No {asked} seat is free: the user {now} {held} seat and gets the next {asked} seat that becomes free.",
                ))
            }
            (State::Waitlisted, _) => Some(format!(
                "No {asked} seat is free: the user has none yet and gets the next {asked} seat that becomes free.",
            )),
            (State::Held, held) => Some(format!(
                "What was sent is kept and has no effect yet: the user keeps the {} seat and the role {}.",
                held.unwrap_or("no"),
                self.role
            )),
        }
    }

    /// Writes the row; `is_new` when the user has none.
    pub(crate) fn write(&self, tx: &mut WriteTx<'_>, is_new: bool) -> Result<(), SeatError> {
        let row = Row::from(self);
        if is_new {
            tx.execute(diesel::insert_into(seats::table).values(row))?;
        } else {
            tx.update(seats::table.find(self.user_id.as_str()), row)?;
        }
        Ok(())
    }
}

/// A seat as it is stored. All columns are set at once, so an update has one text.
#[derive(Queryable, Insertable, AsChangeset, QueryId)]
#[diesel(table_name = seats, primary_key(user_id), treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct Row {
    user_id: String,
    role: String,
    role_rank: i64,
    may_fall_back: i64,
    requested: String,
    granted: Option<String>,
    state: String,
    since_ms: i64,
    waiting_place: Option<i64>,
    beyond_place: Option<i64>,
    borrowed_until_ms: Option<i64>,
    kept_until_ms: Option<i64>,
}

impl From<&Seat> for Row {
    fn from(seat: &Seat) -> Self {
        Self {
            user_id: seat.user_id.clone(),
            role: seat.role.clone(),
            role_rank: seat.role_rank,
            may_fall_back: seat.may_fall_back.into(),
            requested: seat.requested.key().to_owned(),
            granted: seat.granted.as_ref().map(|license| license.key().to_owned()),
            state: seat.state.key().to_owned(),
            since_ms: seat.since_ms,
            waiting_place: seat.waiting_place,
            beyond_place: seat.beyond_place,
            borrowed_until_ms: seat.borrowed_until_ms,
            kept_until_ms: seat.kept_until_ms,
        }
    }
}

impl Row {
    pub(crate) fn seat(self, licenses: &Licenses) -> Result<Seat, SeatError> {
        Ok(Seat {
            requested: stored_license(licenses, &self.requested)?,
            granted: self.granted.map(|key| stored_license(licenses, &key)).transpose()?,
            state: stored("seat state", &self.state)?,
            user_id: self.user_id,
            role: self.role,
            role_rank: self.role_rank,
            may_fall_back: self.may_fall_back != 0,
            since_ms: self.since_ms,
            waiting_place: self.waiting_place,
            beyond_place: self.beyond_place,
            borrowed_until_ms: self.borrowed_until_ms,
            kept_until_ms: self.kept_until_ms,
        })
    }
}

/// The seats of these rows.
pub(crate) fn of_rows(rows: Vec<Row>, licenses: &Licenses) -> Result<Vec<Seat>, SeatError> {
    rows.into_iter().map(|row| row.seat(licenses)).collect()
}

/// The seat of one user.
pub(crate) fn find(
    tx: &mut ReadTx<'_>,
    licenses: &Licenses,
    user_id: &str,
) -> Result<Option<Seat>, SeatError> {
    let row: Option<Row> = tx.get_result(seats::table.find(user_id)).optional()?;
    row.map(|row| row.seat(licenses)).transpose()
}

/// Other users whose seats a change moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Users who waited and got the seat that they waited for, in their order.
    pub promoted: Vec<Seat>,
    /// Users whose seat was borrowed, beyond the quota or kept and no longer is, or was and is lost.
    pub altered: Vec<Seat>,
}

impl Moves {
    pub(crate) fn add(&mut self, other: Self) {
        self.promoted.extend(other.promoted);
        self.altered.extend(other.altered);
    }
}
