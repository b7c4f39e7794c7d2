//! A table of people beside those who are here: who is only here, who is only there, and who is different. It reads and changes nothing.

use std::{
    collections::{HashMap, HashSet},
    io::Read,
};

use csv::StringRecord;
use directory::resources::{self, Record};
use scim_core::{Document, ResourceKind, column::Column, fold::user_name_key};
use seat_ledger::License;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::ReadTx;

use crate::{
    ProvisioningError, Rules,
    preview::unread,
    product::is_active,
    table::Table,
    view::Views,
    why::{self, Asked, Question},
    wishes::is_working,
};

const USER: ResourceKind = ResourceKind::User;

/// What the comparison found. `rows` is those that are equal, different, and only there.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reconciled {
    /// Rows of the table.
    pub rows: usize,
    /// Rows whose person is the same here.
    pub equal: usize,
    /// People who are in no row.
    pub only_here: Vec<OnlyHere>,
    /// Rows whose person is not here, or that cannot be read.
    pub only_there: Vec<OnlyThere>,
    /// Rows whose person is another here.
    pub different: Vec<Different>,
}

/// A person who is in no row.
#[derive(Clone, Debug, Serialize)]
pub struct OnlyHere {
    /// As it is stored.
    pub user_name: String,
    /// The SCIM id.
    pub id: String,
    /// `IDP` or `LOCAL`.
    pub origin: &'static str,
    /// One sentence.
    pub why: String,
}

/// A row whose person is not here, or that cannot be read.
#[derive(Clone, Debug, Serialize)]
pub struct OnlyThere {
    /// The line of the file in which it begins.
    pub row: u64,
    /// As it stands there.
    pub user_name: String,
    /// One sentence.
    pub why: String,
}

/// A person who is another here than there.
#[derive(Clone, Debug, Serialize)]
pub struct Different {
    /// As it is stored.
    pub user_name: String,
    /// The SCIM id.
    pub id: String,
    /// The attributes that differ, by their headers: `{"here", "there"}`.
    pub attributes: Map<String, Value>,
    /// The license that the person holds.
    pub license: Option<String>,
    /// Whether the person may work.
    pub active: bool,
    /// One sentence.
    pub why: String,
}

/// What the table says, by the keys of the userNames.
struct There {
    rows: HashMap<String, (u64, StringRecord)>,
    /// Of rows that cannot be read: nothing is said of these people.
    unreadable: HashSet<String>,
}

/// Compares the people with the table.
///
/// # Errors
/// When the store or the file fails.
pub fn run<R: Read>(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    mut table: Table<R>,
) -> Result<Reconciled, ProvisioningError> {
    let mut found = Reconciled::default();
    let mut there = read(&mut table, &mut found)?;
    let mut asked: Vec<Asked> = Vec::new();
    let mut after = None;
    loop {
        let batch = resources::after(tx, USER, after.take())?;
        let Some(last) = batch.last() else { break };
        after = Some(last.id.clone());
        let unequal = unequal(&mut there, table.columns(), batch, &mut found)?;
        let (records, told): (Vec<Record>, Vec<Told>) = unequal.into_iter().unzip();
        let mut views = Views::of(tx, rules.product.licenses(), USER, records, false)?;
        for told in told {
            let Some(view) = views.next(tx)? else { break };
            let record = &view.record;
            let question = match &told.attributes {
                None => Question::Here,
                Some(attributes) => Question::Differs(attributes.keys().cloned().collect()),
            };
            asked.push(Asked::of(record, view.seat.as_ref(), question));
            match told.attributes {
                None => found.only_here.push(OnlyHere {
                    user_name: told.user_name,
                    id: record.id.clone(),
                    origin: record.origin.key(),
                    why: String::new(),
                }),
                Some(attributes) => found.different.push(Different {
                    user_name: told.user_name,
                    id: record.id.clone(),
                    attributes,
                    license: view
                        .seat
                        .and_then(|seat| seat.granted)
                        .map(|license: License| license.key().to_owned()),
                    active: told.active,
                    why: String::new(),
                }),
            }
        }
    }
    let rest: Vec<(u64, &str)> =
        there.rows.values().map(|(row, cells)| (*row, cells.get(table.key()).unwrap_or_default())).collect();
    let names: Vec<&str> = rest.iter().map(|(_, name)| *name).collect();
    let whys = why::of_user_names(tx, rules.profile().log.people, &names)?;
    for ((row, user_name), why) in rest.iter().zip(whys) {
        found.only_there.push(OnlyThere { row: *row, user_name: (*user_name).to_owned(), why });
    }
    found.only_there.sort_by_key(|only| only.row);
    let mut sentences = why::of_people(tx, &asked)?;
    let mut why = |id: &str| sentences.remove(id).unwrap_or_default();
    found.only_here.iter_mut().for_each(|only| only.why = why(&only.id));
    found.different.iter_mut().for_each(|different| different.why = why(&different.id));
    found.only_here.extend(held_deletions(tx, &there)?);
    found.rows = found.equal + found.different.len() + found.only_there.len();
    Ok(found)
}

/// The people in no row whose deletion the breaker holds: they are none of the users, and keep role and seat.
fn held_deletions(tx: &mut ReadTx<'_>, there: &There) -> Result<Vec<OnlyHere>, ProvisioningError> {
    let mut only_here = Vec::new();
    for held in why::held_deletions(tx)? {
        let key = user_name_key(&held.user_name);
        if !there.rows.contains_key(&key) && !there.unreadable.contains(&key) {
            let why = held.sentence();
            only_here.push(OnlyHere {
                user_name: held.user_name,
                id: held.id,
                origin: held.origin.key(),
                why,
            });
        }
    }
    Ok(only_here)
}

/// A person who is not equal.
struct Told {
    user_name: String,
    /// What differs; `None` where no row is about the person.
    attributes: Option<Map<String, Value>>,
    active: bool,
}

fn read<R: Read>(table: &mut Table<R>, found: &mut Reconciled) -> Result<There, ProvisioningError> {
    let mut there = There { rows: HashMap::new(), unreadable: HashSet::new() };
    while let Some(row) = table.next_row().map_err(unread)? {
        let key = user_name_key(&row.user_name);
        match row.cells {
            Ok(cells) => {
                there.rows.insert(key, (row.number, cells));
            }
            Err(error) => {
                there.unreadable.insert(key);
                let (row, user_name) = (row.number, row.user_name);
                found.only_there.push(OnlyThere { row, user_name, why: error.detail });
            }
        }
    }
    Ok(there)
}

/// Those of a batch who are not equal to their row.
fn unequal(
    there: &mut There,
    columns: &[Column],
    batch: Vec<Record>,
    found: &mut Reconciled,
) -> Result<Vec<(Record, Told)>, ProvisioningError> {
    let mut unequal = Vec::new();
    for record in batch {
        let document = record.parse()?;
        let user_name = document.str("userName").unwrap_or_default().to_owned();
        let key = user_name_key(&user_name);
        // Who is held keeps the access, whatever was sent.
        let active = record.standing.held.is_some() || is_working(&record.standing, &document);
        let attributes = match there.rows.remove(&key) {
            None if there.unreadable.contains(&key) => continue,
            None => None,
            Some((_, cells)) => match differing(columns, &cells, &document, active) {
                nothing if nothing.is_empty() => {
                    found.equal += 1;
                    continue;
                }
                attributes => Some(attributes),
            },
        };
        unequal.push((record, Told { user_name, attributes, active }));
    }
    Ok(unequal)
}

/// The columns in which a row and a person differ. A cell that is none of its attribute's type differs, as it stands there. Of the column
/// `active` it counts whether the person may work: staff's word and what waits decide that too.
fn differing(
    columns: &[Column],
    cells: &StringRecord,
    document: &Document,
    active: bool,
) -> Map<String, Value> {
    let effective = Value::Bool(active);
    let is_otherwise = active != is_active(document);
    let mut differing = Map::new();
    for (column, cell) in columns.iter().zip(cells) {
        let there = column.read(cell).unwrap_or_else(|_| Some(cell.into()));
        let here = match is_otherwise && column.is_name("active") {
            true => Some(&effective),
            false => column.find(document),
        };
        if !column.is_same(here, there.as_ref()) {
            differing.insert(column.text().to_owned(), json!({ "here": here, "there": there }));
        }
    }
    differing
}
