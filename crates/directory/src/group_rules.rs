//! Which rule of the profile is bound to which group: to the one that it matched first, until that is deleted (IO14). A rule is
//! a text of its own here; the profile knows its meaning.

use std::collections::BTreeMap;

use diesel::prelude::*;
use store::{ReadTx, WriteTx, in_chunks};

use crate::{
    DirectoryError,
    schema::{group_rules, memberships},
};

/// A rule and its group.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Bound {
    /// The rule.
    pub rule: String,
    /// The id of the group.
    pub group_id: String,
}

/// Those of these rules that are bound, whichever group they are bound to.
///
/// # Errors
/// When the store fails.
pub fn of_rules(tx: &mut ReadTx<'_>, rules: &[String]) -> Result<Vec<Bound>, DirectoryError> {
    let rows = in_chunks(rules, |rules| {
        group_rules::table.filter(group_rules::rule.eq_any(rules)).load(tx.connection())
    });
    Ok(rows?)
}

/// The rules that are bound to a group.
///
/// # Errors
/// When the store fails.
pub fn of_group(tx: &mut ReadTx<'_>, group_id: &str) -> Result<Vec<Bound>, DirectoryError> {
    Ok(tx.load(group_rules::table.filter(group_rules::group_id.eq(group_id)))?)
}

/// The rules that are bound to the groups that these users are members of, by user; of users without one nothing.
///
/// # Errors
/// When the store fails.
pub fn of_people(
    tx: &mut ReadTx<'_>,
    user_ids: &[&str],
) -> Result<BTreeMap<String, Vec<Bound>>, DirectoryError> {
    let rows: Vec<(String, Bound)> = in_chunks(user_ids, |ids| {
        let joined = memberships::table
            .inner_join(group_rules::table.on(group_rules::group_id.eq(memberships::group_id)))
            .filter(memberships::user_id.eq_any(ids))
            .select((memberships::user_id, (group_rules::rule, group_rules::group_id)));
        joined.load(tx.connection())
    })?;
    let mut by_user: BTreeMap<String, Vec<Bound>> = BTreeMap::new();
    for (user_id, bound) in rows {
        by_user.entry(user_id).or_default().push(bound);
    }
    Ok(by_user)
}

/// Binds a rule that is bound to no group.
///
/// # Errors
/// When the store fails.
pub fn bind(tx: &mut WriteTx<'_>, bound: &Bound) -> Result<(), DirectoryError> {
    let row = (group_rules::rule.eq(&bound.rule), group_rules::group_id.eq(&bound.group_id));
    tx.execute(diesel::insert_into(group_rules::table).values(row))?;
    Ok(())
}

/// Lets one rule go.
///
/// # Errors
/// When the store fails.
pub fn let_go(tx: &mut WriteTx<'_>, rule: &str) -> Result<(), DirectoryError> {
    tx.execute(diesel::delete(group_rules::table.filter(group_rules::rule.eq(rule))))?;
    Ok(())
}

/// Lets the rules of a group go, before it is deleted.
///
/// # Errors
/// When the store fails.
pub fn unbind(tx: &mut WriteTx<'_>, group_id: &str) -> Result<(), DirectoryError> {
    tx.execute(diesel::delete(group_rules::table.filter(group_rules::group_id.eq(group_id))))?;
    Ok(())
}
