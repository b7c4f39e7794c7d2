//! The outcome of a request, or of one operation of a bulk: enough to count it, to log it and to record it. A refusal has an
//! outcome too, although its transaction is rolled back.

use profiles::Received;
use scim_core::{ResourceKind, bulk::Method, leniency::Leniency};
use seat_ledger::License;
use strum::IntoStaticStr;

use crate::{ProvisioningError, sent_person::SentPerson, view::View};

/// The outcome of one write.
#[derive(Debug)]
pub struct Outcome<E = ProvisioningError> {
    /// The kind of resource that was asked for; `None` for an operation of a bulk that names none.
    pub kind: Option<ResourceKind>,
    /// The method; `None` for an operation of a bulk that names no method.
    pub method: Option<Method>,
    /// The resource's id, where it is known.
    pub id: Option<String>,
    /// The person who was sent.
    pub sent: SentPerson,
    /// The effects of the write, or the reason of its refusal.
    pub result: Result<Done, E>,
    /// The leniencies that were met, each with the attribute that it was met at.
    pub leniencies: Vec<(Leniency, String)>,
}

/// What came of a write, as its change record and the log name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// It was carried out.
    #[default]
    Applied,
    /// It says what is so already: no new version and no record (MO4).
    NoChange,
    /// It is stored, and its effect waits.
    Held,
    /// A person who was here before was taken over.
    Linked,
    /// An archived person is back.
    Revived,
    /// The person is gone for the identity provider and kept here.
    Archived,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// The effects of a successful write.
#[derive(Debug, Default)]
pub struct Done {
    /// The status of success, of a request of its own.
    pub status: u16,
    /// What came of it; `None` for a read.
    pub verdict: Option<Verdict>,
    /// The version that the resource has now; `None` after a deletion.
    pub version: Option<i64>,
    /// The resource afterwards, as far as the response shows it; `None` after a deletion.
    pub view: Option<View>,
    /// The names of the attributes that changed.
    pub changed: Vec<String>,
    /// Seats that moved: the license that was asked for and the state of the user now.
    pub seats: Vec<(License, &'static str)>,
    /// Members that were skipped because they are not here.
    pub skipped: Vec<String>,
    /// What it carried of a person's role; `None` for what says nothing about one.
    pub role_received: Option<Received>,
    /// The loss of access that the breaker has held.
    pub held: Option<HeldLoss>,
}

/// A loss of access that the breaker has held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldLoss {
    /// How the access would have been lost.
    pub kind: Loss,
    /// Whether it is the first of its window: the breaker has opened.
    pub opened: bool,
}

/// How access is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Loss {
    /// The person is not active any more.
    Suspension,
    /// The person is deleted.
    Deletion,
}

impl Loss {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

impl Done {
    /// The same with another verdict.
    pub(crate) fn with_verdict(self, verdict: Verdict) -> Self {
        Self { verdict: Some(verdict), ..self }
    }

    /// The same with what it carried of a person's role.
    pub(crate) fn with_role_received(self, role_received: Option<Received>) -> Self {
        Self { role_received, ..self }
    }

    /// The same with seats that moved beside the first one.
    pub(crate) fn with_seats(mut self, others: Vec<(License, &'static str)>) -> Self {
        self.seats.extend(others);
        self
    }
}

impl<E> Outcome<E> {
    /// The same with another error.
    pub fn map_err<F>(self, map: impl FnOnce(E) -> F) -> Outcome<F> {
        let Self { kind, method, id, sent, result, leniencies } = self;
        Outcome { kind, method, id, sent, result: result.map_err(map), leniencies }
    }

    /// `created` or `changed`, for the text of a refusal.
    #[must_use]
    pub fn not_done(&self) -> &'static str {
        not_done(self.method)
    }
}

/// `created` or `changed`, for the text of a refusal.
#[must_use]
pub(crate) fn not_done(method: Option<Method>) -> &'static str {
    if method == Some(Method::Post) { "created" } else { "changed" }
}
