//! People whom an identity provider cannot suspend, lower or delete: those that the profile protects, and the last admin (MO11).

use directory::{resources::Record, standing::Held};
use scim_core::{ScimError, ScimType};
use seat_ledger::{Seat, SeatRequest, holders, seats};
use store::{ReadTx, WriteTx};

use crate::{ProvisioningError, Rules, people_rules::LastAdmin};

/// The reason for which the effect of a request waits, if it does.
///
/// # Errors
/// 403 `lastAdmin` where the profile refuses it.
pub(crate) fn holds(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    user_name: &str,
    seat: Option<&Seat>,
    request: &SeatRequest,
) -> Result<Option<Held>, ProvisioningError> {
    let people = &rules.people;
    let Some(seat) = seat.filter(|seat| seat.granted.is_some()) else { return Ok(None) };
    let is_lowered = request.role != seat.role && request.role_rank > seat.role_rank();
    if request.active && !is_lowered {
        return Ok(None);
    }
    if people.protects(user_name) {
        return Ok(Some(Held::Protected));
    }
    let stays_admin = request.active && people.is_admin(&request.role);
    if stays_admin || !is_last_admin(tx, rules, seat)? {
        return Ok(None);
    }
    match people.last_admin {
        LastAdmin::Hold => Ok(Some(Held::LastAdmin)),
        _ => Err(last_admin()),
    }
}

/// Whether an identity provider may delete this person.
///
/// # Errors
/// 403 `protectedUser` or `lastAdmin`.
pub(crate) fn may_delete(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    record: &Record,
) -> Result<(), ProvisioningError> {
    if rules.people.protects(record.parse()?.str("userName").unwrap_or_default()) {
        let detail =
            "This user is protected here and cannot be deleted by provisioning; nothing was changed.";
        return Err(ScimError::new(403, Some(ScimType::ProtectedUser), detail).into());
    }
    if rules.people.last_admin == LastAdmin::Allow {
        return Ok(());
    }
    let seat = seats::find(tx, rules.profile.licenses(), &record.id)?;
    match seat.filter(|seat| seat.granted.is_some()) {
        Some(seat) if is_last_admin(tx, rules, &seat)? => Err(last_admin()),
        _ => Ok(()),
    }
}

fn is_last_admin(tx: &mut ReadTx<'_>, rules: &Rules, seat: &Seat) -> Result<bool, ProvisioningError> {
    let people = &rules.people;
    if people.last_admin == LastAdmin::Allow || !people.is_admin(&seat.role) {
        return Ok(false);
    }
    let roles: Vec<&str> = people.admin_roles.iter().map(String::as_str).collect();
    Ok(!holders::has_another(tx, &roles, &seat.user_id)?)
}

fn last_admin() -> ProvisioningError {
    let detail = "This user is the last active admin; nothing was changed. Make another user an admin first.";
    ScimError::new(403, Some(ScimType::LastAdmin), detail).into()
}
