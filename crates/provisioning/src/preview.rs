//! What a table of people would do to a tenant: each row is written as its identity provider would write it, into a copy of the store
//! that nobody else knows and that is thrown away.

use std::io::{self, Read};

use directory::resources;
use scim_core::{ResourceKind, ScimError, bulk::Method, column::Column, urn};
use seat_ledger::pools;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{Scratch, StoreError, WriteTx};

use crate::{
    Done, Preconditions, ProvisioningError, RequestContext, Shown, Verdict, Write,
    bulk::of_the_operation,
    product::is_active,
    refusals,
    resources::Found,
    table::{Row, Table},
    wishes::is_working,
};

/// Rows in one transaction of the copy, which holds the pages that they change in memory.
const ROWS: usize = 500;

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them.
    pub rows: u64,
    /// People who would be made.
    pub create: u64,
    /// People who would be changed otherwise than by losing their activity.
    pub change: u64,
    /// People who would stay as they are.
    pub unchanged: u64,
    /// Active people who would not be active any more.
    pub deactivate: u64,
    /// Rows that would be refused.
    pub refused: u64,
}

/// The seats of one license, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LicensePreview {
    /// Seats in use before.
    pub used_before: i64,
    /// Seats in use after.
    pub used_after: i64,
    /// Seats that there are; `None` is unlimited.
    pub quota: Option<i64>,
    /// People who would wait for one.
    pub waiting: i64,
}

/// A row that would be refused.
#[derive(Debug)]
pub struct RefusedRow {
    /// The line of the file in which it begins.
    pub row: u64,
    /// Why.
    pub error: ProvisioningError,
    /// `created` or `changed`, for the text of a refusal.
    pub not_done: &'static str,
}

/// What one row came to.
#[derive(Clone, Copy)]
enum Effect {
    Create,
    Change,
    Unchanged,
    Deactivate,
}

impl Counts {
    fn add(&mut self, effect: Effect) {
        let count = match effect {
            Effect::Create => &mut self.create,
            Effect::Change => &mut self.change,
            Effect::Unchanged => &mut self.unchanged,
            Effect::Deactivate => &mut self.deactivate,
        };
        *count += 1;
    }
}

/// How the rows are written.
pub struct Trial<'a> {
    /// Of the identity provider that would send them.
    pub context: &'a RequestContext,
    /// After so many refusals for want of a seat nobody is refused; 0 is never.
    pub refusals_before_hold: i64,
    /// How many rows were done, told now and then.
    pub progress: &'a dyn Fn(u64),
}

impl Trial<'_> {
    /// Writes all rows into the copy. Refused ones are handed on in their order.
    ///
    /// # Errors
    /// When the copy or the file fails.
    pub fn run<R: Read>(
        &self,
        scratch: &mut Scratch,
        table: &mut Table<R>,
        mut refused: impl FnMut(RefusedRow),
    ) -> Result<(Counts, Map<String, Value>), ProvisioningError> {
        let before = scratch.write(|tx| pools::all(tx, self.licenses()).map_err(ProvisioningError::from))?;
        let mut counts = Counts::default();
        while scratch.write(|tx| self.some(tx, table, &mut counts, &mut refused))? {
            (self.progress)(counts.rows);
        }
        let after = scratch.write(|tx| pools::all(tx, self.licenses()).map_err(ProvisioningError::from))?;
        let licenses = before.into_iter().zip(after).map(|(before, after)| {
            let seats = LicensePreview {
                used_before: before.used,
                used_after: after.used,
                quota: after.quota,
                waiting: after.waiting,
            };
            (after.license.key().to_owned(), json!(seats))
        });
        Ok((counts, licenses.collect()))
    }

    fn licenses(&self) -> &seat_ledger::Licenses {
        self.context.rules.product.licenses()
    }

    /// Some rows in one transaction; false at the end.
    fn some<R: Read>(
        &self,
        tx: &mut WriteTx<'_>,
        table: &mut Table<R>,
        counts: &mut Counts,
        refused: &mut impl FnMut(RefusedRow),
    ) -> Result<bool, ProvisioningError> {
        for _ in 0..ROWS {
            let Some(row) = table.next_row().map_err(unread)? else { return Ok(false) };
            counts.rows += 1;
            let number = row.number;
            let mut not_done = "changed";
            match self.row(tx, table.columns(), row, &mut not_done) {
                Ok(effect) => counts.add(effect),
                Err(error) => {
                    let error = of_the_operation(error)?;
                    counts.refused += 1;
                    self.count_refusal(tx, &error)?;
                    refused(RefusedRow { row: number, error, not_done });
                }
            }
        }
        Ok(true)
    }

    fn row(
        &self,
        tx: &mut WriteTx<'_>,
        columns: &[Column],
        row: Row,
        not_done: &mut &'static str,
    ) -> Result<Effect, ProvisioningError> {
        let cells = row.cells?;
        let values = columns.iter().zip(&cells).map(|(column, cell)| column.read(cell));
        let values = values.collect::<Result<Vec<_>, ScimError>>()?;
        let found = resources::find_user(tx, &row.user_name)?.map(Found::of).transpose()?;
        let mut context = self.context.attempt();
        tx.savepoint(|tx| match found {
            None => {
                *not_done = "created";
                create(tx, columns, values, &mut context)
            }
            Some(found) => change(tx, columns, values, found, &mut context),
        })
    }

    /// Too many refusals lead to a hold, as they would if the rows were sent one by one.
    fn count_refusal(
        &self,
        tx: &mut WriteTx<'_>,
        error: &ProvisioningError,
    ) -> Result<(), ProvisioningError> {
        let Self { context, refusals_before_hold: limit, .. } = *self;
        if error.is_for_want_of_a_seat() {
            refusals::count(tx, &context.rules, &context.credential, 1, limit, &context.request_id)?;
        }
        Ok(())
    }
}

/// The POST of a row.
fn create(
    tx: &mut WriteTx<'_>,
    columns: &[Column],
    values: Vec<Option<Value>>,
    context: &mut RequestContext,
) -> Result<Effect, ProvisioningError> {
    let (mut body, mut schemas) = (Map::new(), vec![urn::USER]);
    for (column, value) in columns.iter().zip(values) {
        let Some(value) = value else { continue };
        if let Some(extension) = column.extension().filter(|extension| !schemas.contains(extension)) {
            schemas.push(extension);
        }
        column.put(&mut body, value);
    }
    body.insert("schemas".to_owned(), json!(schemas));
    let write = Write::new(ResourceKind::User, Method::Post, None, body.into(), context)?;
    let done = write.run(tx, Shown::Version, &Preconditions::default(), context)?;
    // A POST that takes over a person of staff makes nobody.
    Ok(if done.verdict == Some(Verdict::Linked) { Effect::Change } else { Effect::Create })
}

/// The PATCH of a row: each column replaces its attribute. An empty cell is an attribute that the identity provider does not send:
/// it is taken away, but for those that a PUT keeps.
fn change(
    tx: &mut WriteTx<'_>,
    columns: &[Column],
    values: Vec<Option<Value>>,
    found: Found,
    context: &mut RequestContext,
) -> Result<Effect, ProvisioningError> {
    let Found { record, document } = &found;
    let mut operations = Vec::with_capacity(columns.len());
    {
        let kept = context.rules.kept_by_put();
        let is_kept = |column: &Column| column.attribute().is_some_and(|name| kept.contains(&name.as_str()));
        for (column, value) in columns.iter().zip(values) {
            if value.is_some() || (column.find(document).is_some() && !is_kept(column)) {
                operations.push(column.operation(document, value));
            }
        }
    }
    // `json!` would copy the operations.
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([urn::PATCH_OP]));
    body.insert("Operations".to_owned(), operations.into());
    let (id, was_active) = (record.id.clone(), is_active(document));
    let was_working = is_working(&record.standing, document);
    let write = Write::new(ResourceKind::User, Method::Patch, Some(id), body.into(), context)?;
    let done = write.run_found(tx, Some(found), Shown::Version, &Preconditions::default(), context)?;
    if done.verdict == Some(Verdict::NoChange) {
        return Ok(Effect::Unchanged);
    }
    let loses = was_working && !stays_active(&done, was_active)?;
    Ok(if loses { Effect::Deactivate } else { Effect::Change })
}

/// Whether a person may work after the write: what waits has no effect yet. `was_active` is what the person's document said before.
fn stays_active(done: &Done, was_active: bool) -> Result<bool, ProvisioningError> {
    let Some(view) = &done.view else { return Ok(false) };
    let standing = &view.record.standing;
    if standing.held.is_some() {
        return Ok(true);
    }
    // Few rows change `active`, and to read a document takes a twentieth of a row's time.
    match done.changed.iter().any(|name| name == "active") {
        true => Ok(is_working(standing, &view.record.parse()?)),
        false => Ok(standing.active.unwrap_or(was_active)),
    }
}

pub(crate) fn unread(error: io::Error) -> StoreError {
    StoreError::of_file("the file of a table", &error)
}
