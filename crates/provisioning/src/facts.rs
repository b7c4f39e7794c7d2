//! The facts of a write: what its change record tells beside the resource. They are known in one transaction only, so all of them
//! are written there, once (MO6, MO12, MO13).

use profiles::choice::People;
use scim_core::leniency::Leniency;
use seat_ledger::{License, Seat, SeatChange};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    before_image::Image,
    log::{
        leniencies::{kinds, unknown_names},
        sender::Sender,
    },
    maker::Maker,
    outcome::Verdict,
    product::{Product, RoleFacts},
};

/// An act of staff; every change record that it writes names it.
#[derive(Clone, Debug)]
pub struct Act {
    /// The request's id, which the response and the log carry too.
    pub request_id: String,
    /// Who does it: `root`, or the name of an admin token (ME2).
    pub actor: String,
    /// Staff as the sender of the request ([`Sender::of_staff`]).
    pub sender: Sender,
}

/// Why a record is written: the request, and who sent it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause<'a> {
    pub(crate) request_id: &'a str,
    /// The member of staff who did it.
    pub(crate) actor: Option<&'a str>,
    /// The key that the request came with; staff and the clock have none.
    pub(crate) credential: Option<&'a str>,
    /// `create`, `replace`, `patch` and `delete` of a request; `due` and `groupless` of the clock; of staff the word of their command.
    pub(crate) operation: Option<&'a str>,
    pub(crate) profile: Option<&'a str>,
    /// The people for whom the tenant's credentials were made.
    pub(crate) makers: &'a [Maker],
    /// The answer to the write; `None` for what follows from one, and for what falls due by itself.
    pub(crate) answer: Option<Answer<'a>>,
    /// The form in which people stand in the log; `None` for what is about none.
    pub(crate) people: Option<People>,
    /// The write is tried out in a copy: nobody reads a log of it, or takes it back.
    pub(crate) is_trial: bool,
}

/// What the provisioning log has of a write beside its effect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) sender: &'a Sender,
    /// The status of success.
    pub(crate) status: u16,
    /// What was tolerated, before the transaction and in it.
    pub(crate) leniencies: [&'a [(Leniency, String)]; 2],
}

impl<'a> Cause<'a> {
    /// An act of staff on a person.
    pub(crate) fn of_act(act: &'a Act, product: &'a Product, operation: &'a str) -> Self {
        let profile = Some(product.name_and_version());
        let status = match operation {
            "add" => 201,
            "delete" => 204,
            _ => 200,
        };
        let answer = Some(Answer { sender: &act.sender, status, leniencies: [&[], &[]] });
        let people = Some(product.profile.log.people);
        Self { operation: Some(operation), profile, answer, people, ..Self::of_plan(act) }
    }

    /// An act of staff on the plan.
    pub(crate) fn of_plan(act: &'a Act) -> Self {
        let (request_id, actor) = (&act.request_id, Some(act.actor.as_str()));
        Self { actor, ..Self::of_many(request_id) }
    }

    /// What comes of many requests.
    pub(crate) fn of_many(request_id: &'a str) -> Self {
        Self {
            request_id,
            actor: None,
            credential: None,
            operation: None,
            profile: None,
            makers: &[],
            answer: None,
            people: None,
            is_trial: false,
        }
    }

    /// What falls due by itself.
    pub(crate) fn of_clock(request_id: &'a str, product: &'a Product, operation: &'a str) -> Self {
        let (profile, people) = (Some(product.name_and_version()), Some(product.profile.log.people));
        Self { operation: Some(operation), profile, people, ..Self::of_many(request_id) }
    }

    /// The cause of what follows for others: staff did not act on them, and nobody is answered about them.
    pub(crate) fn followed(self) -> Self {
        Self { actor: None, answer: None, ..self }
    }
}

/// The seat in a write.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeatFacts<'a> {
    pub(crate) before: Option<&'a Seat>,
    pub(crate) after: Option<&'a Seat>,
}

impl<'a> SeatFacts<'a> {
    /// Those of a change, if there was one.
    pub(crate) fn of(change: Option<&'a SeatChange>) -> Self {
        let before = change.and_then(|change| change.before.as_ref());
        Self { before, after: change.map(|change| &change.after) }
    }
}

/// The facts of a write beside the resource, its version and its cause (MO6, MO12, MO13).
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts<'a> {
    pub(crate) verdict: Verdict,
    /// The names of the attributes that changed.
    pub(crate) changed: Option<&'a [String]>,
    pub(crate) role: RoleFacts,
    pub(crate) seat: SeatFacts<'a>,
    /// Further facts for people: why, because of which group, or who left.
    pub(crate) notes: &'a [Note<'a>],
    /// What it replaced, for an undo; a creation replaced nothing.
    pub(crate) before: Option<&'a Image>,
}

/// One fact more for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note<'a> {
    /// Its name.
    pub(crate) name: &'static str,
    pub(crate) text: &'a str,
}

impl Note<'static> {
    /// Staff made the change.
    pub(crate) const BY_STAFF: Self = Self { name: "by", text: "staff" };
}

/// The names of the facts that every record of a write has, as `usher tenant changes --json` shows them.
pub const FACTS: [&str; 13] = [
    "credential",
    "operation",
    "result",
    "changed",
    "role_received",
    "role_source",
    "role_before",
    "role_after",
    "license_before",
    "license_requested",
    "license_granted",
    "state",
    "profile",
];

/// The names of the facts that only the provisioning log tells.
pub const LOG_FACTS: [&str; 6] =
    ["status", "client_request_id", "leniencies", "unknown", "sentence", "scim_type"];

/// The detail of a record, which is written as JSON. What is not known is left out.
pub(crate) struct Detail<'a> {
    pub(crate) cause: Cause<'a>,
    /// Whether the effect of what was sent waits.
    pub(crate) is_held: bool,
    pub(crate) facts: &'a Facts<'a>,
}

impl Detail<'_> {
    /// The JSON text.
    #[allow(clippy::expect_used, reason = "a map of texts always serialises")]
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("a detail serialises")
    }
}

/// The key of the license that is held.
fn granted(seat: Option<&Seat>) -> Option<&str> {
    seat?.granted.as_ref().map(License::key)
}

impl Serialize for Detail<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (cause, facts, seat) = (&self.cause, self.facts, self.facts.seat);
        let state = |seat: &Seat| if self.is_held { Verdict::Held.word() } else { seat.state.key() };
        let texts = [
            ("credential", cause.credential),
            ("operation", cause.operation),
            ("result", Some(facts.verdict.word())),
            ("role_received", facts.role.received.map(Into::into)),
            ("role_source", facts.role.source.as_deref()),
            ("role_before", seat.before.map(|seat| seat.role.as_str())),
            ("role_after", seat.after.map(|seat| seat.role.as_str())),
            ("license_before", granted(seat.before)),
            ("license_requested", seat.after.map(|seat| seat.requested.key())),
            ("license_granted", granted(seat.after)),
            ("state", seat.after.map(state)),
            ("profile", cause.profile),
        ];
        let mut map = serializer.serialize_map(None)?;
        let notes = facts.notes.iter().map(|note| (note.name, Some(note.text)));
        for (name, text) in texts.into_iter().chain(notes) {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        if let Some(changed) = facts.changed {
            map.serialize_entry("changed", changed)?;
        }
        if let Some(Answer { sender, status, leniencies: [before, then] }) = cause.answer {
            map.serialize_entry("status", &status)?;
            if let Some(id) = &sender.client_request_id {
                map.serialize_entry("client_request_id", id)?;
            }
            let met = kinds(before.iter().chain(then));
            if !met.is_empty() {
                map.serialize_entry("leniencies", &met)?;
            }
            let unknown = unknown_names(before.iter().chain(then));
            if !unknown.is_empty() {
                map.serialize_entry("unknown", &unknown)?;
            }
        }
        map.end()
    }
}
