//! The actors: clients, each of which alone changes its own few people, and staff. Each remembers its requests and their
//! answers.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use serde_json::{Value, json};
use testkit::http::{Answer, Request};

use super::{
    Dice, Round,
    model::{License, Wish},
};
use crate::running::{SEAT, USER};

/// People of one client at the most.
const PEOPLE: usize = 3;

/// What became of a request.
#[derive(Debug)]
pub(super) enum Fate {
    Done(Told),
    /// For want of a seat.
    Refused {
        request_id: String,
    },
    /// The gateway was stopping: nothing happened.
    Unserved,
    /// The connection broke before an answer: it may have happened or not.
    InDoubt,
}

/// What a 2xx said.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) request_id: String,
    /// Empty for a deletion.
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) seat: Value,
}

/// One request and what became of it.
#[derive(Debug)]
pub(super) struct Act {
    /// Empty for a person who is not created yet.
    pub(super) id: String,
    /// `None`: delete.
    pub(super) wish: Option<Wish>,
    /// Whether it asks for something else than what was asked for before.
    pub(super) is_news: bool,
    pub(super) fate: Fate,
}

/// A person as its client knows it.
pub(super) struct Known {
    pub(super) name: String,
    pub(super) wish: Wish,
    modified: String,
}

/// One client.
pub(super) struct Client {
    number: usize,
    named: usize,
    dice: Dice,
    /// By id.
    pub(super) people: BTreeMap<String, Known>,
    /// Since the last reckoning, in this order.
    pub(super) acts: Vec<Act>,
}

fn user_type(role: &str) -> &str {
    if role == "member" { "user" } else { role }
}

fn request_id(answer: &Answer) -> String {
    answer.header("x-request-id").unwrap_or_else(|| panic!("no request id: {}", answer.text)).to_owned()
}

impl Client {
    pub(super) fn new(number: usize, seed: u64) -> Self {
        let dice = Dice(seed.wrapping_add(1 + u64::try_from(number).unwrap()));
        Self { number, named: 0, dice, people: BTreeMap::new(), acts: Vec::new() }
    }

    pub(super) fn name_begins(&self) -> String {
        format!("c{}-", self.number)
    }

    /// Reads its people anew after a request without an answer.
    pub(super) fn learn(&mut self, people: impl Iterator<Item = (String, String, Wish)>) {
        let mut known = std::mem::take(&mut self.people);
        for (id, name, wish) in people {
            let modified = known.remove(&id).map_or_else(String::new, |person| person.modified);
            self.people.insert(id, Known { name, wish, modified });
        }
    }

    pub(super) fn act_until_over(&mut self, round: &Round<'_>) {
        while !round.over.load(Ordering::Relaxed) {
            let ends = self.act(round);
            if ends {
                return;
            }
        }
    }

    /// One request; whether nothing more can be asked.
    fn act(&mut self, round: &Round<'_>) -> bool {
        let role = self.dice.pick(&["member", "member", "member", "admin", "member_lite", "member_lite"]);
        if self.people.is_empty() || self.people.len() < PEOPLE && self.dice.below(3) == 0 {
            let active = self.dice.below(6) > 0;
            return self.create(round, Wish { role: role.to_owned(), active });
        }
        let chosen = self.dice.below(self.people.len());
        let (id, person) = self.people.iter().nth(chosen).unwrap();
        let (id, name, before) = (id.clone(), person.name.clone(), person.wish.clone());
        let path = format!("/Users/{id}");
        let patch = |operation: Value| {
            let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
            let body = json!({ "schemas": [schema], "Operations": [operation] });
            round.tenant.request("PATCH", &path).json(&body)
        };
        let (wish, request) = match self.dice.below(12) {
            0 => return self.delete(round, id),
            1..=5 => {
                let operation = json!({ "op": "replace", "path": "userType", "value": user_type(role) });
                (Wish { role: role.to_owned(), ..before.clone() }, patch(operation))
            }
            6..=8 => {
                let active = !before.active;
                let operation = json!({ "op": "replace", "path": "active", "value": active });
                (Wish { active, ..before.clone() }, patch(operation))
            }
            _ => {
                let active = self.dice.below(4) > 0;
                let body = json!({ "schemas": [USER], "userName": name, "userType": user_type(role), "active": active });
                let request = round.tenant.request("PUT", &path).json(&body);
                (Wish { role: role.to_owned(), active }, request)
            }
        };
        let is_news = wish != before;
        self.ask(round, request, Act { id, wish: Some(wish), is_news, fate: Fate::InDoubt }, &name)
    }

    fn create(&mut self, round: &Round<'_>, wish: Wish) -> bool {
        self.named += 1;
        let name = format!("{}{}", self.name_begins(), self.named);
        let body = json!({
            "schemas": [USER], "userName": name, "userType": user_type(&wish.role), "active": wish.active,
        });
        let request = round.tenant.request("POST", "/Users").json(&body);
        self.ask(
            round,
            request,
            Act { id: String::new(), wish: Some(wish), is_news: true, fate: Fate::InDoubt },
            &name,
        )
    }

    fn delete(&mut self, round: &Round<'_>, id: String) -> bool {
        let request = round.tenant.request("DELETE", &format!("/Users/{id}"));
        self.ask(round, request, Act { id, wish: None, is_news: true, fate: Fate::InDoubt }, "")
    }

    fn ask(&mut self, round: &Round<'_>, request: Request, act: Act, name: &str) -> bool {
        let fate = match request.try_send() {
            Err(_) => Fate::InDoubt,
            Ok(answer) => self.hear(&answer, &act, name),
        };
        let ends = matches!(fate, Fate::InDoubt | Fate::Unserved);
        if !ends {
            round.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        self.acts.push(Act { fate, ..act });
        ends
    }

    fn hear(&mut self, answer: &Answer, act: &Act, name: &str) -> Fate {
        match answer.status {
            200 | 201 => {
                let (id, modified) = (answer.id(), answer.body["meta"]["lastModified"].as_str().unwrap());
                let last = self.people.get(&id).map_or("", |person| person.modified.as_str());
                assert!(modified >= last, "{id}: lastModified goes back from {last} to {modified}");
                let version = answer.body["meta"]["version"].as_str().unwrap();
                let version = version.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
                let known = Known {
                    name: name.to_owned(),
                    wish: act.wish.clone().unwrap(),
                    modified: modified.to_owned(),
                };
                self.people.insert(id.clone(), known);
                Fate::Done(Told {
                    request_id: request_id(answer),
                    id,
                    version,
                    seat: answer.body[SEAT].clone(),
                })
            }
            204 => {
                self.people.remove(&act.id);
                let id = String::new();
                Fate::Done(Told { request_id: request_id(answer), id, version: 0, seat: Value::Null })
            }
            403 if answer.body["scimType"] == "seatLimitReached" => {
                Fate::Refused { request_id: request_id(answer) }
            }
            503 => Fate::Unserved,
            other => panic!("{act:?}: {other} {}", answer.text),
        }
    }
}

/// A change of the plan: the last one of a round may be in doubt.
pub(super) struct PlanAct {
    pub(super) detail: Value,
    pub(super) in_doubt: bool,
}

/// Staff who sell seats.
pub(super) struct Staff {
    dice: Dice,
    pub(super) acts: Vec<PlanAct>,
}

impl Staff {
    pub(super) fn new(seed: u64) -> Self {
        Self { dice: Dice(seed), acts: Vec::new() }
    }

    pub(super) fn act_until_over(&mut self, round: &Round<'_>) {
        while !round.over.load(Ordering::Relaxed) {
            let license = self.dice.pick(&License::ALL).key();
            let (change, detail) = if self.dice.below(4) == 0 {
                let policy = self.dice.pick(&["fallback", "refuse"]);
                (json!({ "member": { "policy": policy } }), json!({ "license": "member", "after": policy }))
            } else {
                let quota = if license == "member" { 5 + self.dice.below(6) } else { 8 + self.dice.below(8) };
                (json!({ license: { "quota": quota } }), json!({ "license": license, "after": quota }))
            };
            let token = std::fs::read_to_string(round.gateway.data_dir().join("admin-token")).unwrap();
            let url = format!("{}/admin/v1{}/seats", round.gateway.url, round.tenant.admin_path());
            match Request::new("PATCH", &url).bearer(token.trim()).json(&change).try_send() {
                Ok(answer) if answer.status == 200 => self.acts.push(PlanAct { detail, in_doubt: false }),
                Ok(answer) => return assert_eq!(answer.status, 503, "{}", answer.text),
                Err(_) => return self.acts.push(PlanAct { detail, in_doubt: true }),
            }
            // Rarer than what clients do, so that seats are full for most of the time.
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
    }
}
