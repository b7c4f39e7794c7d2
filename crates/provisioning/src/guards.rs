//! People whom an identity provider cannot suspend, lower or delete: those that the profile protects, and the last admin (MO11).

use directory::{resources::Record, standing::Held};
use profiles::choice::LastAdmin;
use scim_core::{Document, ScimError, ScimType};
use seat_ledger::{Seat, SeatRequest, holders, seats};
use store::{ReadTx, WriteTx};

use crate::{ProvisioningError, Rules};

/// The reason for which the effect of a request waits, if it does.
///
/// # Errors
/// 403 `lastAdmin` where the profile refuses it.
pub(crate) fn holds(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &Record,
    old: &Document,
    seat: Option<&Seat>,
    request: &SeatRequest,
) -> Result<Option<Held>, ProvisioningError> {
    let product = &rules.product;
    let Some(seat) = seat.filter(|seat| seat.granted.is_some()) else { return Ok(None) };
    let is_lowered = request.role != seat.role && request.role_rank > seat.role_rank();
    if request.active && !is_lowered {
        return Ok(None);
    }
    if request.active && record.standing.held == Some(Held::GroupWipe) {
        return Ok(Some(Held::GroupWipe));
    }
    if product.protects(old.str("userName").unwrap_or_default()) {
        return Ok(Some(Held::Protected));
    }
    let stays_admin = request.active && product.is_admin(&request.role);
    if stays_admin || !is_last_admin(tx, rules, seat)? {
        return Ok(None);
    }
    match rules.profile().protect.last_admin {
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
    if rules.product.protects(record.parse()?.str("userName").unwrap_or_default()) {
        let detail =
            "This user is protected here and cannot be deleted by provisioning; nothing was changed.";
        return Err(ScimError::new(403, Some(ScimType::ProtectedUser), detail).into());
    }
    if rules.profile().protect.last_admin == LastAdmin::Allow {
        return Ok(());
    }
    let seat = seats::find(tx, rules.product.licenses(), &record.id)?;
    match seat.filter(|seat| seat.granted.is_some()) {
        Some(seat) if is_last_admin(tx, rules, &seat)? => Err(last_admin()),
        _ => Ok(()),
    }
}

/// Whether a person stays whatever groups the person has left.
///
/// # Errors
/// When the store fails.
pub(crate) fn keeps(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    record: &Record,
    document: &Document,
) -> Result<bool, ProvisioningError> {
    if rules.product.protects(document.str("userName").unwrap_or_default()) {
        return Ok(true);
    }
    let seat = seats::find(tx, rules.product.licenses(), &record.id)?;
    match seat.filter(|seat| seat.granted.is_some()) {
        Some(seat) => is_last_admin(tx, rules, &seat),
        None => Ok(false),
    }
}

fn is_last_admin(tx: &mut ReadTx<'_>, rules: &Rules, seat: &Seat) -> Result<bool, ProvisioningError> {
    let may_go = rules.profile().protect.last_admin == LastAdmin::Allow;
    if may_go || !rules.product.is_admin(&seat.role) {
        return Ok(false);
    }
    Ok(!holders::has_another(tx, &rules.product.admin_roles(), &seat.user_id)?)
}

fn last_admin() -> ProvisioningError {
    let detail = "This user is the last active admin; nothing was changed. Make another user an admin first.";
    ScimError::new(403, Some(ScimType::LastAdmin), detail).into()
}
