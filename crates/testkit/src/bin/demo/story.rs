//! What happened to whom in one tenant: every answer is noted as it came, and held against what the story says.

use std::fmt;

use serde_json::Value;

use crate::{
    idp::Answer,
    told::{Told, Tone},
};

/// The read-only extension in which a user's seat is told.
const SEAT: &str = "urn:usher:params:scim:schemas:extension:seat:2.0:User";

/// A sentence about what did not go as told.
pub(crate) struct Wrong(String);

impl Wrong {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What came of one request, read from the answer and from nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The license of the seat, and `granted` or `fallback`.
    Seat { license: String, state: String },
    /// Stored without a seat, such as `suspended`.
    NoSeat { state: String },
    /// Not done; the `detail` that the identity provider shows its administrator.
    Refused { status: u16, detail: String },
}

/// One person's way through the story.
pub(crate) struct Person {
    pub(crate) user_name: String,
    /// Each `userType` that was sent, in order.
    pub(crate) asked: Vec<String>,
    pub(crate) id: Option<String>,
    /// The answer to each request for this person that was about a seat, in order.
    pub(crate) outcomes: Vec<Outcome>,
}

/// One tenant's story.
pub(crate) struct Story<'a> {
    pub(crate) told: &'a Told,
    pub(crate) tenant: &'static str,
    pub(crate) people: Vec<Person>,
    requests: usize,
}

impl Outcome {
    pub(crate) fn read(answer: &Answer) -> Self {
        if !(200..300).contains(&answer.status) {
            return Self::Refused { status: answer.status, detail: text(&answer.body, "detail") };
        }
        let seat = answer.body.get(SEAT).unwrap_or(&Value::Null);
        match seat.get("grantedLicense").and_then(Value::as_str) {
            Some(license) => Self::Seat { license: license.to_owned(), state: text(seat, "state") },
            None => Self::NoSeat { state: text(seat, "state") },
        }
    }

    /// In few words, for a line or a cell.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Seat { license, state } if state == "granted" => license.clone(),
            Self::Seat { license, state } => format!("{license} ({state})"),
            Self::NoSeat { state } => format!("no seat ({state})"),
            Self::Refused { .. } => "refused".to_owned(),
        }
    }

    pub(crate) fn tone(&self) -> Tone {
        match self {
            Self::Seat { state, .. } if state == "granted" => Tone::Good,
            Self::Refused { .. } => Tone::Refused,
            _ => Tone::Lesser,
        }
    }
}

impl<'a> Story<'a> {
    pub(crate) fn new(told: &'a Told, tenant: &'static str) -> Self {
        Self { told, tenant, people: Vec::new(), requests: 0 }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests
    }

    pub(crate) fn count_request(&mut self) {
        self.requests += 1;
    }

    /// Notes what came of a request that was about a person's seat, and tells it.
    pub(crate) fn note(&mut self, what: &str, user_name: &str, asked: &str, answer: &Answer) -> Outcome {
        let outcome = Outcome::read(answer);
        self.told.act(what, &format!("{} {}", answer.status, outcome.words()), outcome.tone());
        let id = answer.id();
        match self.people.iter_mut().find(|person| person.user_name == user_name) {
            Some(person) => {
                if person.asked.last().is_none_or(|last| last != asked) {
                    person.asked.push(asked.to_owned());
                }
                person.id = person.id.take().or(id);
                person.outcomes.push(outcome.clone());
            }
            None => self.people.push(Person {
                user_name: user_name.to_owned(),
                asked: vec![asked.to_owned()],
                id,
                outcomes: vec![outcome.clone()],
            }),
        }
        outcome
    }

    /// The id that the gateway gave a person.
    pub(crate) fn id(&self, user_name: &str) -> Result<String, Wrong> {
        let person = self.people.iter().find(|person| person.user_name == user_name);
        person
            .and_then(|person| person.id.clone())
            .ok_or_else(|| Wrong::new(format!("{user_name} has no id.")))
    }

    /// Goes on only if the story holds.
    pub(crate) fn expect(&self, holds: bool, sentence: &str) -> Result<(), Wrong> {
        if holds { Ok(()) } else { Err(Wrong::new(format!("{}: {sentence}", self.tenant))) }
    }

    pub(crate) fn expect_seat(
        &self,
        outcome: &Outcome,
        license: &str,
        state: &str,
        who: &str,
    ) -> Result<(), Wrong> {
        let wanted = Outcome::Seat { license: license.to_owned(), state: state.to_owned() };
        let sentence =
            format!("{who} should hold {}, but the answer was {}.", wanted.words(), outcome.words());
        self.expect(*outcome == wanted, &sentence)
    }

    /// A refusal for want of seats, in words that a person can act on.
    pub(crate) fn expect_full(&self, outcome: &Outcome, who: &str) -> Result<(), Wrong> {
        let full = matches!(outcome, Outcome::Refused { status: 403, detail } if detail.starts_with("Seat limit reached"));
        self.expect(
            full,
            &format!("{who} should be refused for want of seats, but the answer was {outcome:?}."),
        )
    }
}

/// A member that is text; empty where it is not.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
