//! The story of one tenant: every answer is noted and compared with the expected one.

use serde_json::Value;
use testkit::{
    gateway::Tenant,
    http::{Answer, Request},
};

use crate::{
    stage::Stage,
    told::{Told, Tone},
};
use testkit::urn::SEAT;

/// The result of one request, read from its answer alone.
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
    /// What was asked for, in order.
    pub(crate) asked: Vec<String>,
    /// Status and keyword of each answer, in order.
    pub(crate) told: Vec<String>,
    id: Option<String>,
    /// The answer to each request for this person that was about a seat, in order.
    pub(crate) outcomes: Vec<Outcome>,
}

/// One tenant's story, and the connection of its identity provider.
pub(crate) struct Story<'a> {
    pub(crate) told: &'a Told,
    pub(crate) tenant: Tenant,
    pub(crate) profile: &'static str,
    user_agent: &'static str,
    /// The gateways that take turns at the requests.
    processes: Vec<String>,
    pub(crate) people: Vec<Person>,
    pub(crate) requests: usize,
}

impl Outcome {
    fn read(answer: &Answer) -> Self {
        if !(200..300).contains(&answer.status) {
            return Self::Refused { status: answer.status, detail: text(&answer.body, "detail") };
        }
        let seat = &answer.body[SEAT];
        match seat["grantedLicense"].as_str() {
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

    #[track_caller]
    pub(crate) fn expect_seat(&self, license: &str, state: &str) {
        assert_eq!(*self, Self::Seat { license: license.to_owned(), state: state.to_owned() });
    }

    #[track_caller]
    pub(crate) fn expect_no_seat(&self) {
        assert!(matches!(self, Self::NoSeat { .. }), "{self:?}");
    }

    /// A refusal with this status whose sentence names these.
    #[track_caller]
    pub(crate) fn expect_refused(&self, wanted: u16, names: &[&str]) {
        let named = |detail: &str| names.iter().all(|name| detail.contains(name));
        let is_so = matches!(self, Self::Refused { status, detail } if *status == wanted && named(detail));
        assert!(is_so, "{self:?}");
    }

    /// A refusal for want of seats, in words that a person can act on.
    #[track_caller]
    pub(crate) fn expect_full(&self) {
        let full =
            matches!(self, Self::Refused { status: 403, detail } if detail.starts_with("Seat limit reached"));
        assert!(full, "{self:?}");
    }
}

impl<'a> Story<'a> {
    pub(crate) fn new(
        stage: &Stage,
        told: &'a Told,
        tenant: Tenant,
        profile: &'static str,
        user_agent: &'static str,
    ) -> Self {
        Self { told, tenant, profile, user_agent, processes: stage.urls(), people: Vec::new(), requests: 0 }
    }

    /// The name of a person of this tenant: `ada@acme.example`.
    pub(crate) fn user_name(&self, given: &str) -> String {
        format!("{}@{}.example", given.to_lowercase(), self.tenant.key)
    }

    /// One request of the identity provider.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        // As a load balancer does; the base URL names the first of them.
        let process = &self.processes[self.requests % self.processes.len()];
        let url = self.tenant.base_url.replacen(&self.processes[0], process, 1);
        self.requests += 1;
        let request = Request::new(method, &format!("{url}{path}"))
            .bearer(&self.tenant.token)
            .header("user-agent", self.user_agent)
            .header("accept", "application/scim+json");
        let body = body.map(Value::to_string);
        let request = body.into_iter().fold(request, |request, body| {
            request.header("content-type", "application/scim+json; charset=utf-8").bytes(body.as_bytes())
        });
        request.send()
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    /// A list that finds nothing: 200 with an empty list, never 404.
    pub(crate) fn find_none(&mut self, path: &str) {
        let found = self.get(path).expect(200);
        assert_eq!(found.body["totalResults"], 0, "{}", found.text);
    }

    /// Prints an act that is not about a seat, and checks its status.
    pub(crate) fn tell(&self, what: &str, answer: Answer, status: u16) -> Answer {
        self.told.act(what, &answer.status.to_string(), Tone::Plain);
        answer.expect(status)
    }

    /// Looks a user up, which finds none, and creates it.
    pub(crate) fn create_user(&mut self, look_up: &str, user: &Value, asked: &str) -> Outcome {
        self.find_none(look_up);
        let answer = self.send("POST", "/Users", Some(user));
        let user_name = text(user, "userName");
        self.note(&format!("POST /Users {user_name} asks for {asked}"), &user_name, asked, &answer)
    }

    /// Looks a group up, which finds none, and creates it; its id.
    pub(crate) fn create_group(&mut self, look_up: &str, group: &Value) -> String {
        self.find_none(look_up);
        let answer = self.send("POST", "/Groups", Some(group));
        self.tell(&format!("POST /Groups {}", text(group, "displayName")), answer, 201).id()
    }

    /// Notes and prints the result of a request about a person's seat.
    pub(crate) fn note(&mut self, what: &str, user_name: &str, asked: &str, answer: &Answer) -> Outcome {
        let outcome = Outcome::read(answer);
        self.told.act(what, &format!("{} {}", answer.status, outcome.words()), outcome.tone());
        let known = self.people.iter().position(|person| person.user_name == user_name);
        let at = known.unwrap_or_else(|| {
            let user_name = user_name.to_owned();
            let (asked, told, outcomes) = (Vec::new(), Vec::new(), Vec::new());
            self.people.push(Person { user_name, asked, told, id: None, outcomes });
            self.people.len() - 1
        });
        let person = &mut self.people[at];
        if person.asked.last().is_none_or(|last| last != asked) {
            person.asked.push(asked.to_owned());
        }
        person.id = person.id.take().or_else(|| answer.body["id"].as_str().map(str::to_owned));
        let keyword = answer.body["scimType"].as_str().map(|keyword| format!(" {keyword}"));
        person.told.push(format!("{}{}", answer.status, keyword.unwrap_or_default()));
        person.outcomes.push(outcome.clone());
        outcome
    }

    /// The id that the gateway gave a person.
    pub(crate) fn id(&self, user_name: &str) -> String {
        let person = self.people.iter().find(|person| person.user_name == user_name);
        person.and_then(|person| person.id.clone()).unwrap_or_else(|| panic!("{user_name} has no id"))
    }
}

/// A member that is text; empty where it is not.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
