//! What the facts of a tenant's store mean: a finding, or none.

use std::collections::BTreeMap;

use directory::{resources, role_changes::Flapping};
use scim_core::ResourceKind;
use seat_ledger::{DAY_MS, pools::Pool};
use store::ReadTx;

use super::{
    code::{Code, Finding},
    hours::Counts,
    traffic::{Span, Traffic, TrafficByCredential, by_idp, together},
};
use crate::{
    ProvisioningError, Rules,
    explain::{Asked, Step, idp_name},
    log::Idp,
    timestamp::iso,
};

/// Look-ups without a create from which on it is sure that none is tried.
const LOOKUPS: i64 = 20;
/// Writes without a role from which on it is sure that it is not mapped.
const WRITES: i64 = 50;
/// Replaces without a role from which on it is sure that it is mapped for creates alone.
const REPLACES: i64 = 20;

/// Half of the failures, and of their share in percent, at which Entra ID puts an application into quarantine.
const FAILURES: i64 = 2_500;
const FAILURE_PERCENT: i64 = 20;

/// How near Entra's lines all traffic of the last 24 hours is, the nearer of both being reached last: 1 is quarantine.
pub(super) fn quarantine_risk(traffic: &TrafficByCredential, now_ms: i64) -> f64 {
    let Counts { writes, refused, .. } = together(traffic.values()).of_last_day(now_ms);
    let share = |part: i64, of: i64| match (u32::try_from(part), u32::try_from(of)) {
        (Ok(part), Ok(of)) if of > 0 => f64::from(part) / f64::from(of),
        _ => 0.0,
    };
    let (failures, percent) =
        (share(refused, 2 * FAILURES), share(refused * 100, writes * 2 * FAILURE_PERCENT));
    failures.min(percent)
}

/// The findings of what identity providers have sent.
pub(super) fn of_traffic(
    traffic: &TrafficByCredential,
    rules: &Rules,
    now_ms: i64,
    asked: Asked<'_>,
) -> Vec<Finding> {
    let all = together(traffic.values());
    let Some(called) = all.called else { return Vec::new() };
    let mapping = || vec![Step::CheckMapping.words(all.idp, &asked)];
    let mut findings = Vec::new();
    if all.lookups >= LOOKUPS && all.creates == 0 {
        let sentence = format!(
            "{} has looked people up {} times and has never tried to create one: creating users is off there, or nobody is assigned.",
            idp_name(all.idp),
            all.lookups
        );
        let steps = vec![creating(all.idp).to_owned(), Step::Assign.words(all.idp, &asked)];
        let since_ms = Some(called.first_ms);
        findings.push(Finding { code: Code::CreatesNeverTried, since_ms, sentence, steps });
    }
    let sources: Vec<&str> = rules.product.source_names().collect();
    let (attribute, never, comes) = match sources.as_slice() {
        [one] => (format!("The attribute {one}"), "which says the role, was never received", "comes"),
        many => {
            (format!("The attributes {}", many.join(", ")), "which say the role, were never received", "come")
        }
    };
    if !sources.is_empty() {
        if all.role.writes >= WRITES && !all.role.was_received {
            let since = all.role.first_write_ms.map(iso).unwrap_or_default();
            let sentence = format!(
                "{attribute}, {never} since {since}, in {} writes: everybody has the role {}.",
                all.role.writes,
                rules.profile().default_role
            );
            let since_ms = all.role.first_write_ms;
            findings.push(Finding { code: Code::RoleNeverReceived, since_ms, sentence, steps: mapping() });
        }
        let is_on_create_only =
            |of: &Traffic| of.role.came_with_create && of.role.replaced_without >= REPLACES;
        // The attributes that one identity provider leaves out say nothing of those that another one sends.
        let mut idps = by_idp(traffic).into_values().map(|of| together(of.into_iter().map(|(_, of)| of)));
        if let Some(one) = idps.find(is_on_create_only) {
            let sentence = format!(
                "{attribute} {comes} when people are created and not when they change: the last {} replaces had none, so changes of role do not arrive.",
                one.role.replaced_without
            );
            let since_ms = one.role.without_since_ms;
            let steps = vec![on_update(one.idp).to_owned()];
            findings.push(Finding { code: Code::RoleOnCreateOnly, since_ms, sentence, steps });
        }
    }
    findings.extend(of_unknown(&all, mapping()));
    let retry = Step::Retry.words(all.idp, &asked);
    findings.extend(of_missing(&all, mapping().into_iter().chain([retry]).collect()));
    findings.extend(of_refusals(&all, now_ms, asked));
    findings
}

fn of_unknown(all: &Traffic, steps: Vec<String>) -> Option<Finding> {
    let recent = recent(&all.unknown, all);
    let names: Vec<&str> = recent.iter().map(|(name, _)| *name).collect();
    let sentence = match names.as_slice() {
        [] => return None,
        [one] => format!("The attribute {one} is sent, and no schema knows it: its value is not kept."),
        many => format!(
            "The attributes {} are sent, and no schema knows them: their values are not kept.",
            many.join(", ")
        ),
    };
    let since_ms = first(&recent);
    Some(Finding { code: Code::UnknownAttribute, since_ms, sentence, steps })
}

fn of_missing(all: &Traffic, steps: Vec<String>) -> Option<Finding> {
    let recent = recent(&all.missing, all);
    let names: Vec<&str> = recent.iter().map(|(names, _)| *names).collect();
    if names.is_empty() {
        return None;
    }
    let sentence = format!(
        "Writes are refused because required attributes are missing: {}. See: usher log --result refused",
        names.join("; ")
    );
    Some(Finding { code: Code::RequiredMissing, since_ms: first(&recent), sentence, steps })
}

/// Those that were seen in the day before the last request: what was mended is not seen any more, and who is silent has mended nothing.
fn recent<'a>(names: &'a BTreeMap<String, Span>, all: &Traffic) -> Vec<(&'a str, Span)> {
    let from_ms = all.last_call_ms().unwrap_or_default() - DAY_MS;
    names
        .iter()
        .filter(|(_, span)| span.last_ms >= from_ms)
        .map(|(name, span)| (name.as_str(), *span))
        .collect()
}

fn first(names: &[(&str, Span)]) -> Option<i64> {
    names.iter().map(|(_, span)| span.first_ms).min()
}

fn of_refusals(all: &Traffic, now_ms: i64, asked: Asked<'_>) -> Option<Finding> {
    let Counts { writes, refused, .. } = all.of_last_day(now_ms);
    if refused < FAILURES || refused * 100 < writes * FAILURE_PERCENT {
        return None;
    }
    let sentence = format!(
        "{refused} of {writes} writes were refused in 24 hours. Entra ID puts an application into quarantine at 5,000 failures and 40 %, and then calls once a day."
    );
    let steps = vec![
        format!("See why: usher log {} --result refused", asked.target),
        format!(
            "Where seats are missing, let people wait instead: usher seats policy {} LICENSE=hold",
            asked.target
        ),
    ];
    Some(Finding { code: Code::NearQuarantine, since_ms: None, sentence, steps })
}

/// The findings of seats.
pub(super) fn of_pools(pools: &[Pool], asked: Asked<'_>) -> Vec<Finding> {
    let of = |pool: &Pool| {
        let quota = pool.quota?;
        let (title, used) = (pool.license.title(), pool.used);
        let steps =
            vec![Step::FreeSeat.words(Idp::Other, &asked), Step::RaiseQuota.words(Idp::Other, &asked)];
        let (code, sentence) = match used.cmp(&quota) {
            std::cmp::Ordering::Greater => {
                (Code::OverQuota, format!("{used} seats of {title} are in use, and there are {quota}."))
            }
            std::cmp::Ordering::Equal if quota > 0 => (
                Code::SeatsFull,
                format!("All {quota} seats of {title} are in use: the next person gets none."),
            ),
            _ => return None,
        };
        Some(Finding { code, since_ms: None, sentence, steps })
    };
    pools.iter().filter_map(of).collect()
}

/// People wait, the first in a queue since this moment.
pub(super) fn of_waiting(pools: &[Pool], since_ms: i64, asked: Asked<'_>) -> Finding {
    let waits = |pool: &&Pool| pool.waiting > 0;
    let of = |pool: &Pool| format!("{} for {}", pool.waiting, pool.license.title());
    let numbers: Vec<String> = pools.iter().filter(waits).map(of).collect();
    let sentence = format!("People wait for seats: {}.", numbers.join(", "));
    let steps = vec![
        format!("See who: usher seats waiting {}", asked.target),
        Step::FreeSeat.words(Idp::Other, &asked),
        Step::RaiseQuota.words(Idp::Other, &asked),
    ];
    Finding { code: Code::Waiting, since_ms: Some(since_ms), sentence, steps }
}

/// Roles change again and again.
pub(super) fn of_flapping(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    flapping: &[Flapping],
    idp: Idp,
) -> Result<Finding, ProvisioningError> {
    let mut people = Vec::new();
    for person in flapping {
        let record = resources::find(tx, ResourceKind::User, &person.user_id)?;
        let document = record.map(|record| record.parse()).transpose()?;
        let name = document.as_ref().and_then(|document| document.str("userName"));
        people.push(format!("{} ({} times)", name.unwrap_or(&person.user_id), person.changes));
    }
    let sentence = format!(
        "The role of these people has changed more than {} times in 24 hours: {}. The last write wins each time.",
        rules.profile().log.flapping_per_day,
        people.join(", ")
    );
    let steps = vec![flaps(idp).to_owned()];
    let since_ms = flapping.iter().filter_map(|person| person.since_ms).min();
    Ok(Finding { code: Code::RoleFlapping, since_ms, sentence, steps })
}

/// The finding of a breaker that holds people.
pub(super) fn of_breaker(people: i64, since_ms: i64, asked: Asked<'_>) -> Finding {
    let sentence = format!(
        "Too many people have lost their access in a short time: the breaker holds {people}, who keep role and seat until staff decide."
    );
    let steps = vec![Step::Breaker.words(Idp::Other, &asked)];
    Finding { code: Code::BreakerOpen, since_ms: Some(since_ms), sentence, steps }
}

/// A change of a group waits since this moment.
pub(super) fn of_group_wipes(since_ms: i64, asked: Asked<'_>) -> Finding {
    let sentence =
        "A change of a group would have taken the seats of many people at once: they keep them, and staff decide."
            .to_owned();
    let steps = vec![Step::ReleaseGroup.words(Idp::Other, &asked)];
    Finding { code: Code::GroupWipeHeld, since_ms: Some(since_ms), sentence, steps }
}

/// Rows of the log were lost.
pub(super) fn of_losses(lost: i64, asked: Asked<'_>) -> Finding {
    let sentence = format!(
        "{lost} rows of refused writes are not in the log: more came at once than could wait to be written."
    );
    let steps =
        vec![format!("What the others say holds for these: usher log {} --result refused", asked.target)];
    Finding { code: Code::LogLost, since_ms: None, sentence, steps }
}

/// Where the creation of users is switched on.
fn creating(idp: Idp) -> &'static str {
    match idp {
        Idp::Okta => "Okta: Applications → the application → Provisioning → To App → Create Users → Enable",
        Idp::Entra => {
            "Entra: Provisioning → Mappings → Provision Microsoft Entra ID Users → Target object actions → Create; and Provisioning Status → On"
        }
        Idp::OneLogin => "OneLogin: Applications → the application → Provisioning → Enable provisioning",
        Idp::JumpCloud | Idp::Ping | Idp::Google | Idp::Authentik | Idp::Other | Idp::Staff => {
            "Switch the creation of users on, in the provisioning settings of the identity provider."
        }
    }
}

/// Where an attribute is mapped for updates too.
fn on_update(idp: Idp) -> &'static str {
    match idp {
        Idp::Okta => {
            "Okta: Applications → the application → Provisioning → To App → Attribute Mappings → the attribute → Apply on: Create and update"
        }
        Idp::Entra => {
            "Entra: Provisioning → Mappings → Provision Microsoft Entra ID Users → the attribute → Apply this mapping: Always"
        }
        Idp::OneLogin
        | Idp::JumpCloud
        | Idp::Ping
        | Idp::Google
        | Idp::Authentik
        | Idp::Other
        | Idp::Staff => {
            "Map the attribute for updates too, in the provisioning settings of the identity provider."
        }
    }
}

/// Where the two values of one person come from.
fn flaps(idp: Idp) -> &'static str {
    match idp {
        Idp::Okta => {
            "Okta: Applications → the application → Assignments → Groups: a person in two groups gets the value of the first one; give each person one"
        }
        _ => {
            "Look which two groups, or which two identity providers, give these people different roles, and leave one."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::traffic::Written;

    const ASKED: Asked<'_> =
        Asked { user: "", contact: "it@acme.example", target: "--region ire --key acme" };

    fn refused(refused: i64, writes: i64) -> Option<Finding> {
        let mut all = Traffic::default();
        all.call(0, Idp::Entra, false);
        for n in 0..writes {
            let result = if n < refused { Err("no") } else { Ok(None) };
            all.write(&Written {
                at_ms: 0,
                is_of_person: true,
                method: None,
                result,
                no_seat: None,
                leniencies: &[],
            });
        }
        of_refusals(&all, 0, ASKED)
    }

    #[test]
    fn s10_near_quarantine_is_half_of_entras_lines_both_of_them() {
        assert!(refused(2_500, 12_500).is_some());
        assert!(refused(2_499, 12_495).is_none());
        assert!(refused(2_500, 12_501).is_none());
    }

    #[test]
    fn what_to_do_has_words_for_every_identity_provider() {
        for idp in Idp::ALL {
            for words in [creating(*idp), on_update(*idp), flaps(*idp)] {
                assert!(words.len() > 20, "{idp:?}: {words}");
            }
        }
    }
}
