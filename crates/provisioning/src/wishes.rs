//! Decides whose word holds: the document's on role and active, the choice of staff, or what a person comes back with.

use std::collections::BTreeMap;

use directory::{
    group_rules::{self, Bound},
    resources::Record,
    standing::{ChosenBy, ChosenRole, Standing},
};
use profiles::Binding;
use profiles::choice::{LocalWins, OnReactivate};
use scim_core::Document;
use seat_ledger::{Seat, SeatRequest};
use store::ReadTx;

use crate::{ProvisioningError, Rules, product::is_active};

/// Which of the deciding attributes a write carries, with an equal value too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carried {
    /// A source of the role.
    pub(crate) role: bool,
    /// `active`
    pub(crate) active: bool,
}

/// Whether a person may work.
pub(crate) fn is_working(standing: &Standing, document: &Document) -> bool {
    standing.active.unwrap_or_else(|| is_active(document))
}

/// What holds beside the document after a write of the identity provider. `carried` is asked only where it matters.
pub(crate) fn standing_after(
    rules: &Rules,
    before: &Standing,
    carried: impl Fn() -> Carried,
    old: &Document,
    new: &Document,
) -> Standing {
    let profile = rules.profile();
    let mut after = before.clone();
    let comes_back = profile.leaving.on_reactivate == OnReactivate::Lowest
        && !is_working(before, old)
        && (is_active(new) && !is_active(old));
    if before.is_ordinary() && !comes_back {
        return after;
    }
    let carried = carried();
    let idp_wins = profile.local.wins == LocalWins::Idp;
    if carried.active && idp_wins {
        after.active = None;
    }
    if carried.role {
        after.role = after.role.filter(|chosen| chosen.by == ChosenBy::Staff && !idp_wins);
    } else if comes_back && after.role.is_none() && is_working(&after, new) {
        let role = profile.default_role.clone();
        after.role = Some(ChosenRole { role, by: ChosenBy::Reactivation });
    }
    after
}

/// Where a person's role comes from, as staff are told: the path of a source, `group:ID`, `local` or `default`.
pub(crate) fn role_from(
    rules: &Rules,
    standing: &Standing,
    document: &Document,
    bound: &[Binding],
) -> String {
    match &standing.role {
        Some(chosen) if chosen.by == ChosenBy::Staff => "local".to_owned(),
        Some(_) => "default".to_owned(),
        None => rules.product.role_from(document, bound),
    }
}

/// The same without a look at the person's groups; `None` where they may decide.
pub(crate) fn role_from_unread(rules: &Rules, standing: &Standing, document: &Document) -> Option<String> {
    let is_known = standing.role.is_some() || !rules.profile().is_group_driven();
    is_known.then(|| role_from(rules, standing, document, &[]))
}

/// The rules that are bound to a person's groups.
pub(crate) fn bound_to(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    ids: &[&str],
) -> Result<BTreeMap<String, Vec<Binding>>, ProvisioningError> {
    if !rules.profile().is_group_driven() {
        return Ok(BTreeMap::new());
    }
    let binding = |Bound { rule, group_id }| Binding { rule, group: group_id };
    let of_people = group_rules::of_people(tx, ids)?.into_iter();
    Ok(of_people.map(|(id, bound)| (id, bound.into_iter().map(binding).collect())).collect())
}

/// The seat request of a person. As long as the sources of the role stay as they are, so does the request (MO13): an edit of
/// something else never moves a license, even where the profile has come to read the value differently.
pub(crate) fn request(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    held: Option<&Seat>,
    record: &Record,
    after: &Standing,
    documents: [&Document; 2],
) -> Result<SeatRequest, ProvisioningError> {
    let ([old, new], before) = (documents, &record.standing);
    let product = &rules.product;
    let stays = before.role.is_none() && after.role.is_none() && before.held.is_none();
    let seat = held.filter(|_| stays && product.profile.has_same_sources(old, new));
    let Some(seat) = seat else { return anew(tx, rules, &record.id, after, new) };
    let role = product.needs(&seat.role);
    Ok(SeatRequest {
        role: seat.role.clone(),
        role_rank: role.map_or(seat.role_rank(), |role| role.rank),
        license: seat.requested.clone(),
        may_fall_back: role.is_some_and(|role| role.may_fall_back),
        active: is_working(after, new),
        waits: false,
        seat_grace_days: product.seat_grace_days(),
    })
}

/// The request that a document and what was chosen here come to, whatever the seat was before.
pub(crate) fn anew(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    id: &str,
    standing: &Standing,
    document: &Document,
) -> Result<SeatRequest, ProvisioningError> {
    let bound = bound_to(tx, rules, &[id])?.remove(id).unwrap_or_default();
    Ok(of_facts(rules, standing, document, &bound))
}

/// The request that all that is known comes to.
pub(crate) fn of_facts(
    rules: &Rules,
    standing: &Standing,
    document: &Document,
    bound: &[Binding],
) -> SeatRequest {
    let active = is_working(standing, document);
    let chosen = standing.role.as_ref().and_then(|chosen| rules.product.request_of(&chosen.role, active));
    chosen.unwrap_or_else(|| SeatRequest { active, ..rules.product.seat_request(document, bound) })
}
