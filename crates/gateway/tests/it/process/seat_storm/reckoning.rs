//! After each round: what rests in the tenant's store is the model's, change by change, and what was answered is what rests.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    process::Command,
};

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::{
    client::{Act, Client, Fate, Staff},
    model::{License, Model, Movement, Outcome, Wish},
};

/// The facts of a record that the answer's seat shows too, under these names.
const SEAT_FACTS: [(&str, &str); 4] = [
    ("role_after", "role"),
    ("license_requested", "requestedLicense"),
    ("license_granted", "grantedLicense"),
    ("state", "state"),
];

/// One record of the change log.
struct Change {
    number: i64,
    kind: String,
    id: String,
    version: i64,
    request_id: String,
    detail: Value,
}

/// A refusal, and between which two changes it was given.
struct Refusal<'a> {
    act: &'a Act,
    from: i64,
    before: i64,
}

/// How often what matters was met over the whole run.
#[derive(Debug, Default)]
struct Met {
    changes: usize,
    refusals: usize,
    promotions: usize,
    fallbacks: usize,
    exchanges: usize,
    in_doubt: usize,
}

/// The model, and how far it has read.
pub(super) struct Books {
    store: PathBuf,
    model: Model,
    /// Of everybody who was ever there.
    versions: HashMap<String, i64>,
    changes_read: i64,
    lines_read: i64,
    met: Met,
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_else(|| panic!("{name} of {row}")).to_owned()
}

impl Books {
    pub(super) fn open(gateway: &Gateway, tenant: &Tenant) -> Self {
        let mut books = Self {
            store: gateway.only_store(&tenant.region),
            model: Model::new(),
            versions: HashMap::new(),
            changes_read: 0,
            lines_read: 0,
            met: Met::default(),
        };
        let changes = books.new_changes();
        books.read(&changes, Vec::new());
        books
    }

    fn rows(&self, query: &str) -> Vec<Value> {
        let output = Command::new("sqlite3")
            .args(["-json", "-cmd", ".timeout 5000"])
            .arg(&self.store)
            .arg(query)
            .output();
        let output = output.unwrap_or_else(|e| panic!("this test needs the package sqlite3: {e}"));
        assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
        if output.stdout.is_empty() { Vec::new() } else { serde_json::from_slice(&output.stdout).unwrap() }
    }

    fn new_changes(&self) -> Vec<Change> {
        let rows =
            self.rows(&format!("SELECT * FROM changes WHERE number > {} ORDER BY number", self.changes_read));
        let change = |row: &Value| Change {
            number: row["number"].as_i64().unwrap(),
            kind: text(row, "kind"),
            id: text(row, "resource_id"),
            version: row["version"].as_i64().unwrap(),
            request_id: text(row, "request_id"),
            detail: serde_json::from_str(row["detail"].as_str().unwrap()).unwrap(),
        };
        rows.iter().map(change).collect()
    }

    fn new_movements(&self) -> Vec<Movement> {
        let rows = self
            .rows(&format!("SELECT * FROM seat_ledger WHERE number > {} ORDER BY number", self.lines_read));
        let numbers = rows.iter().map(|row| row["number"].as_i64().unwrap());
        assert!(numbers.eq((self.lines_read + 1..).take(rows.len())), "the ledger has a gap");
        let movement = |row: &Value| {
            (License::of(&text(row, "license")), text(row, "user_id"), row["movement"].as_i64().unwrap())
        };
        rows.iter().map(movement).collect()
    }

    /// Compares everything since the last time, and gives the clients the people that exist.
    pub(super) fn reckon(
        &mut self,
        gateway: &Gateway,
        tenant: &Tenant,
        clients: &mut [Client],
        staff: &mut Staff,
    ) {
        let changes = self.new_changes();
        self.check_answers(&changes, clients);
        check_plan(&changes, staff);
        let refusals = clients.iter().flat_map(|client| self.refusals(&changes, client)).collect();
        self.read(&changes, refusals);
        self.check_standing();
        gateway.audit(tenant);
        let names: Vec<(String, String)> = self
            .rows("SELECT id, user_name_folded AS name FROM users")
            .iter()
            .map(|row| (text(row, "id"), text(row, "name")))
            .collect();
        for client in clients {
            client.acts.clear();
            let begins = client.name_begins();
            let own = names.iter().filter(|(_, name)| name.starts_with(&begins));
            client.learn(own.map(|(id, name)| (id.clone(), name.clone(), self.model.seats[id].wish.clone())));
        }
    }

    /// Every acknowledged change has a record that equals its answer, and a refused one has none.
    fn check_answers(&mut self, changes: &[Change], clients: &[Client]) {
        let own = |request: &str| {
            changes.iter().find(|c| c.request_id == request && c.kind != "user.promoted").map(|c| c.number)
        };
        let by_number: BTreeMap<i64, &Change> =
            changes.iter().map(|change| (change.number, change)).collect();
        let mut known = BTreeSet::new();
        let mut in_doubt = 0;
        for act in clients.iter().flat_map(|client| &client.acts) {
            match &act.fate {
                Fate::InDoubt => in_doubt += 1,
                Fate::Unserved => {}
                Fate::Refused { request_id } => {
                    assert_eq!(own(request_id), None, "refused, and yet done: {act:?}");
                }
                Fate::Done(told) => {
                    let Some(number) = own(&told.request_id) else {
                        assert!(!act.is_news, "acknowledged and lost: {act:?}");
                        continue;
                    };
                    known.insert(told.request_id.as_str());
                    let change = by_number[&number];
                    let kind = match (&act.wish, act.id.is_empty()) {
                        (None, _) => "user.deleted",
                        (Some(_), true) => "user.created",
                        (Some(_), false) => "user.changed",
                    };
                    assert_eq!(change.kind, kind, "{act:?}");
                    if act.wish.is_some() {
                        assert_eq!((&change.id, change.version), (&told.id, told.version), "{act:?}");
                    }
                    if act.wish.is_some() {
                        for (fact, name) in SEAT_FACTS {
                            assert_eq!(told.seat[name], change.detail[fact], "{name} of {act:?}");
                        }
                    }
                }
            }
        }
        let of_users = changes.iter().filter(|change| change.kind.starts_with("user."));
        let unasked: BTreeSet<&str> = of_users
            .map(|change| change.request_id.as_str())
            .filter(|request| !known.contains(request))
            .collect();
        // Staff's acts promote, too.
        let of_staff = changes.iter().filter(|change| change.kind.starts_with("plan."));
        let of_staff: BTreeSet<&str> = of_staff.map(|change| change.request_id.as_str()).collect();
        let unasked: Vec<_> = unasked.difference(&of_staff).collect();
        assert!(unasked.len() <= in_doubt, "changes that nobody asked for: {unasked:?}");
        self.met.in_doubt += in_doubt;
    }

    /// The refusals of one client. It does one thing after the other, so each stands between two changes of its own.
    fn refusals<'a>(&self, changes: &[Change], client: &'a Client) -> Vec<Refusal<'a>> {
        let mut numbers: HashMap<&str, i64> = HashMap::new();
        for change in changes {
            numbers.entry(&change.request_id).or_insert(change.number);
        }
        let (mut from, mut refusals): (i64, Vec<Refusal<'a>>) = (self.changes_read, Vec::new());
        for act in &client.acts {
            match &act.fate {
                Fate::Refused { .. } => refusals.push(Refusal { act, from, before: i64::MAX }),
                Fate::Done(told) => {
                    if let Some(number) = numbers.get(told.request_id.as_str()) {
                        from = *number;
                        refusals.iter_mut().for_each(|refusal| refusal.before = refusal.before.min(*number));
                    }
                }
                Fate::InDoubt | Fate::Unserved => {}
            }
        }
        refusals
    }

    /// Lets the model do what each record tells, and compares all that came of it.
    fn read(&mut self, changes: &[Change], mut refusals: Vec<Refusal<'_>>) {
        let movements = self.new_movements();
        let mut lines = movements.as_slice();
        self.met.refusals += refusals.len();
        self.strike_out(&mut refusals, self.changes_read, self.changes_read);
        let mut rest = changes.iter();
        while let Some(change) = rest.next() {
            assert_eq!(change.number, self.changes_read + 1, "the log has a gap");
            let outcome = self.follow(change);
            self.check_version(change);
            self.changes_read += 1;
            for promoted in &outcome.promoted {
                let record =
                    rest.next().unwrap_or_else(|| panic!("{promoted} has no record after {}", change.number));
                let told = (record.number, record.kind.as_str(), &record.id, &record.request_id);
                assert_eq!(told, (self.changes_read + 1, "user.promoted", promoted, &change.request_id));
                self.check_version(record);
                self.changes_read += 1;
            }
            self.met.promotions += outcome.promoted.len();
            let (mut own, others) = lines.split_at_checked(outcome.movements.len()).map_or_else(
                || panic!("the ledger lacks lines of change {}", change.number),
                |(own, others)| (own.to_vec(), others),
            );
            lines = others;
            let mut expected = outcome.movements;
            expected.sort();
            own.sort();
            assert_eq!(own, expected, "what change {} moved", change.number);
            self.strike_out(&mut refusals, change.number, self.changes_read);
        }
        assert!(lines.is_empty(), "seats moved without a change: {lines:?}");
        self.lines_read += i64::try_from(movements.len()).unwrap();
        self.met.changes += changes.len();
        if let Some(Refusal { act, from, before }) = refusals.first() {
            panic!("refused between {from} and {before}, where there was always a seat: {act:?}");
        }
    }

    /// What was rightly refused at some time between these two changes is explained.
    fn strike_out(&self, refusals: &mut Vec<Refusal<'_>>, first: i64, last: i64) {
        refusals.retain(|refusal| {
            let may_be_now = refusal.from <= last && first < refusal.before;
            let wish = refusal.act.wish.as_ref().unwrap();
            !(may_be_now && self.model.refuses(&refusal.act.id, wish))
        });
    }

    fn follow(&mut self, change: &Change) -> Outcome {
        let nothing = || Outcome { promoted: Vec::new(), movements: Vec::new() };
        let license = || License::of(change.detail["license"].as_str().unwrap());
        match change.kind.as_str() {
            "user.created" | "user.changed" => {
                let told = &change.detail;
                let wish = Wish { role: text(told, "role_after"), active: told["state"] != "suspended" };
                let held = self.model.seats.get(&change.id).and_then(|seat| seat.granted);
                let license_before = told["license_before"].as_str();
                assert_eq!(license_before, held.map(License::key), "before {}", change.number);
                let outcome = self.model.settle(&change.id, &wish);
                let outcome = outcome.unwrap_or_else(|| panic!("change {} was to be refused", change.number));
                let seat = &self.model.seats[&change.id];
                let expected = json!({
                    "role_after": wish.role,
                    "license_requested": wish.license().key(),
                    "license_granted": seat.granted.map(License::key),
                    "state": seat.state(),
                });
                let told: Value = SEAT_FACTS.iter().map(|(fact, _)| (*fact, told[fact].clone())).collect();
                assert_eq!(told, expected, "change {}", change.number);
                self.met.fallbacks += usize::from(seat.state() == "fallback");
                let moved = held.is_some() && seat.granted.is_some() && held != seat.granted;
                self.met.exchanges += usize::from(moved && !outcome.promoted.is_empty());
                outcome
            }
            "user.deleted" => self.model.remove(&change.id),
            "plan.quota" => {
                assert_eq!(
                    change.detail["before"].as_i64(),
                    self.model.quota(license()),
                    "change {}",
                    change.number
                );
                self.model.set_quota(license(), change.detail["after"].as_i64())
            }
            "plan.policy" => {
                self.model.set_policy(change.detail["after"].as_str().unwrap());
                nothing()
            }
            other => panic!("change {}: {other} of {}", change.number, change.id),
        }
    }

    /// Every change of a person is its next version.
    fn check_version(&mut self, change: &Change) {
        if change.id.is_empty() {
            return;
        }
        let last = self.versions.insert(change.id.clone(), change.version).unwrap_or(0);
        let expected = if change.kind == "user.deleted" { last } else { last + 1 };
        assert_eq!(change.version, expected, "the version in change {}", change.number);
    }

    /// Counters, seats and queues as they rest now.
    fn check_standing(&self) {
        for license in License::ALL {
            let key = license.key();
            let pool = &self.rows(&format!("SELECT quota, used FROM seat_pools WHERE license = '{key}'"))[0];
            let expected = (self.model.quota(license), Some(self.model.used(license)));
            assert_eq!((pool["quota"].as_i64(), pool["used"].as_i64()), expected, "{key}");
            let queue = self.rows(&format!(
                "SELECT user_id FROM seats WHERE requested = '{key}' AND waiting_place IS NOT NULL ORDER BY waiting_place"
            ));
            let queue: Vec<String> = queue.iter().map(|row| text(row, "user_id")).collect();
            assert_eq!(queue, self.model.queue(license), "who waits for {key}");
        }
        let seats = self.rows("SELECT user_id, role, granted, state FROM seats ORDER BY user_id");
        let seats = seats.iter().map(|row| {
            (
                text(row, "user_id"),
                text(row, "role"),
                row["granted"].as_str().map(License::of),
                text(row, "state"),
            )
        });
        let expected =
            self.model.seats.iter().map(|(id, seat)| {
                (id.clone(), seat.wish.role.clone(), seat.granted, seat.state().to_owned())
            });
        assert_eq!(seats.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    /// A run in which little happened has shown little.
    pub(super) fn assert_much_was_met(&self, rounds: usize) {
        eprintln!("{rounds} rounds: {:?}", self.met);
        let Met { changes, refusals, promotions, fallbacks, exchanges, in_doubt } = self.met;
        assert!(rounds >= 4 && changes >= 200, "{rounds} rounds: {:?}", self.met);
        for met in [refusals, promotions, fallbacks, exchanges, in_doubt] {
            assert!(met > 0, "{rounds} rounds: {:?}", self.met);
        }
    }
}

/// Staff are one person: their changes stand in the log in their order, all but the last of a round for certain.
fn check_plan(changes: &[Change], staff: &mut Staff) {
    let told = |detail: &Value| json!({ "license": detail["license"], "after": detail["after"] });
    let recorded: Vec<Value> =
        changes.iter().filter(|c| c.kind.starts_with("plan.")).map(|c| told(&c.detail)).collect();
    let mut asked: Vec<Value> = staff.acts.iter().map(|act| act.detail.clone()).collect();
    if staff.acts.last().is_some_and(|act| act.in_doubt) && recorded.len() < asked.len() {
        asked.pop();
    }
    assert_eq!(recorded, asked, "the changes of the plan");
    staff.acts.clear();
}
