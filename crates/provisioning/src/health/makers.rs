//! Credentials whose maker has left. They go on working, so it is never why people are missing; staff are told that nobody looks after
//! them (MO10, MO16).

use directory::{
    log::{self, Wanted},
    resources,
};
use store::ReadTx;

use super::code::{Code, Finding};
use crate::{
    ProvisioningError, Rules,
    log::{about_person, every_row},
    wishes::is_working,
};

/// The findings of credentials that were made for people of the tenant.
pub(super) fn left(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    now_ms: i64,
) -> Result<Vec<Finding>, ProvisioningError> {
    let mut findings = Vec::new();
    for maker in rules.makers.iter().filter(|maker| maker.is_live(now_ms)) {
        let left_ms = match resources::find_user(tx, &maker.name)? {
            Some(record) if is_working(&record.standing, &record.parse()?) => None,
            Some(record) => Some(record.modified_ms),
            None => deleted_ms(tx, rules, &maker.name)?,
        };
        if left_ms.is_some() {
            findings.push(maker_left(&maker.key_id, left_ms));
        }
    }
    Ok(findings)
}

/// When a person who is not here was deleted, as far as the log goes back; a person who never was here has not left.
fn deleted_ms(tx: &mut ReadTx<'_>, rules: &Rules, user_name: &str) -> Result<Option<i64>, ProvisioningError> {
    let about = about_person(tx, rules.profile().log.people, user_name)?;
    let newest = log::page(tx, &Wanted { about, ..every_row() }, None, 1)?;
    Ok(newest.first().filter(|row| row.kind == "user.deleted").map(|row| row.place.at_ms))
}

/// The finding of a credential that has outlived its maker.
#[must_use]
pub fn maker_left(key_id: &str, since_ms: Option<i64>) -> Finding {
    Finding {
        code: Code::CredentialMakerLeft,
        since_ms,
        sentence: format!(
            "The credential {key_id} has outlived its maker. It works on without: this is never why people are missing."
        ),
        steps: vec![
            "Nothing is urgent. Where somebody must answer for it, make another one with --made-by, enter it, and revoke this one."
                .to_owned(),
        ],
    }
}
