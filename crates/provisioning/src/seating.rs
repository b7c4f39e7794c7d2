//! A person's seat follows the document, what was chosen here, and the guards; and people whose effects wait are let go.

use directory::{
    Standing,
    breaker::losses,
    group_wipes,
    resources::{self, Record},
    standing::{self, Held},
};
use profiles::choice::LastAdmin;
use scim_core::{Document, ResourceKind};
use seat_ledger::{Seat, SeatChange, SeatRequest, seats};
use store::WriteTx;

use crate::{
    ProvisioningError, Rules, Verdict,
    breaker::loss,
    facts::{Cause, Facts, SeatFacts},
    guards,
    product::RoleFacts,
    promotion, records, wishes,
};

/// The one who asks for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// An identity provider, whom the profile's guards bind.
    Idp,
    /// The clock, whom the breaker alone binds.
    Clock,
    /// Staff.
    Staff,
}

/// People whose effect waits that are let go at once.
const AT_ONCE: i64 = 1000;

/// Brings the seat in line with a document that was changed, and with what holds beside it.
pub(crate) fn settle(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &mut Record,
    standing: Standing,
    documents: [&Document; 2],
    asks: Asks,
) -> Result<SeatChange, ProvisioningError> {
    let held = seats::find(tx, rules.product.licenses(), &record.id)?;
    let request = wishes::request(tx, rules, held.as_ref(), record, &standing, documents)?;
    let [old, _] = documents;
    settle_as(tx, rules, record, standing, old, Asking { held, request, asks })
}

/// What is asked for, and by whom.
pub(crate) struct Asking {
    /// The seat now.
    pub(crate) held: Option<Seat>,
    pub(crate) request: SeatRequest,
    pub(crate) asks: Asks,
}

/// Brings the seat in line with a request, and with what holds beside the document.
pub(crate) fn settle_as(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &mut Record,
    mut standing: Standing,
    old: &Document,
    asking: Asking,
) -> Result<SeatChange, ProvisioningError> {
    let Asking { held, request, asks } = asking;
    let mut why = match asks {
        Asks::Idp => guards::holds(tx, rules, record, old, held.as_ref(), &request)?,
        Asks::Clock | Asks::Staff => None,
    };
    if why.is_none() && asks != Asks::Staff {
        let change = loss::Change { record, old, seat: held.as_ref(), request: &request };
        why = loss::holds(tx, rules, &change)?;
    }
    // Who left a group with too many others waits for staff, whatever else is sent, except that the person may not work.
    let waits = record.standing.held == Some(Held::GroupWipe);
    standing.held = why.or((waits && asks == Asks::Idp && request.active).then_some(Held::GroupWipe));
    if waits && standing.held != Some(Held::GroupWipe) {
        group_wipes::remove_user(tx, &record.id)?;
    }
    if record.standing.held == Some(Held::Breaker) && standing.held != Some(Held::Breaker) {
        losses::remove(tx, &record.id)?;
    }
    let change = match (why, held) {
        (Some(_), Some(seat)) => SeatChange::none(seat),
        (_, held) => seats::settle_found(tx, held, &record.id, &request)?,
    };
    write_standing(tx, record, standing)?;
    Ok(change)
}

/// Writes what holds of a person, if that is something else than before.
pub(crate) fn write_standing(
    tx: &mut WriteTx<'_>,
    record: &mut Record,
    standing: Standing,
) -> Result<(), ProvisioningError> {
    if record.standing != standing {
        standing::write(tx, &record.id, &standing)?;
        record.standing = standing;
    }
    Ok(())
}

/// Records who was promoted by a change, and lets the last admin go who is not the last one any more.
pub(crate) fn follow(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    change: &SeatChange,
    cause: Cause<'_>,
) -> Result<(), ProvisioningError> {
    promotion::record(tx, &change.moves, cause)?;
    let product = &rules.product;
    let is_new_admin = change.after.granted.is_some()
        && product.is_admin(&change.after.role)
        && !change.before.as_ref().is_some_and(|seat| seat.granted.is_some() && product.is_admin(&seat.role));
    if product.profile.protect.last_admin != LastAdmin::Hold || !is_new_admin {
        return Ok(());
    }
    for id in standing::held_for(tx, Held::LastAdmin, AT_ONCE)? {
        let Some(mut record) = resources::find_for_update(tx, ResourceKind::User, &id)? else { continue };
        if waits_on(tx, rules, &mut record, cause)? {
            continue;
        }
        let change = let_go(tx, rules, &mut record, cause.followed())?;
        promotion::record(tx, &change.moves, cause)?;
    }
    Ok(())
}

/// Whether the breaker holds what would be carried out now.
fn waits_on(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &mut Record,
    cause: Cause<'_>,
) -> Result<bool, ProvisioningError> {
    if !rules.breaker {
        return Ok(false);
    }
    let (document, seat) = (record.parse()?, seats::find(tx, rules.product.licenses(), &record.id)?);
    let standing = Standing { held: None, ..record.standing.clone() };
    let request = wishes::anew(tx, rules, &record.id, &standing, &document)?;
    // Of what was sent when the person became held it is known that the person is not active by it.
    let mut old = document.clone();
    old.0.insert("active".to_owned(), true.into());
    let change = loss::Change { record, old: &old, seat: seat.as_ref(), request: &request };
    let Some(why) = loss::holds(tx, rules, &change)? else { return Ok(false) };
    let (before, kind) = (record.standing.clone(), ResourceKind::User);
    *record = resources::touch(tx, kind, record)?;
    write_standing(tx, record, Standing { held: Some(why), ..standing })?;
    let facts = Facts { verdict: Verdict::Held, ..Facts::default() };
    records::record(tx, cause.followed(), kind, "held", record, &facts)?;
    loss::newly_held(tx, &before, record, cause)?;
    Ok(true)
}

/// Carries out what the document says and what has waited.
pub(crate) fn let_go(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &mut Record,
    cause: Cause<'_>,
) -> Result<SeatChange, ProvisioningError> {
    let (kind, document) = (ResourceKind::User, record.parse()?);
    let standing = Standing { held: None, ..record.standing.clone() };
    *record = resources::touch(tx, kind, record)?;
    // The request is made anew of the document, which said something else than the seat.
    let request = wishes::anew(tx, rules, &record.id, &standing, &document)?;
    let change = seats::settle(tx, &record.id, &request)?;
    write_standing(tx, record, standing)?;
    let source = wishes::role_from_unread(rules, &record.standing, &document);
    let role = RoleFacts { received: None, source };
    let facts = Facts { role, seat: SeatFacts::of(Some(&change)), ..Facts::default() };
    records::record(tx, cause, kind, "released", record, &facts)?;
    Ok(change)
}
