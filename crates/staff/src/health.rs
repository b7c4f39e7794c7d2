//! How a tenant is: what its store tells, and what the registry knows of its credentials, in one verdict.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use provisioning::{
    ProvisioningError, Rules,
    explain::{Asked, idp_name},
    health::{
        self, Code, Counts, Finding, OfStore, Recounted, Traffic, TrafficByCredential, by_idp, usual_gap_ms,
    },
    log::Idp,
    timestamp::iso,
};
use seat_ledger::{DAY_MS, pools::Pool};
use serde::Serialize;
use store::{ReadTx, Store};
use tenant_registry::{
    CompanyKey, CredentialInfo, EXPIRING_DAYS, Figures, Provisioning, Recount, Registry, Silence, Tenant,
    TenantStanding, Verdict, WrongSecrets,
};

use crate::{
    acts::Result,
    credentials::state,
    figures::{gap_ms, is_scarce, last_calls, seat_figures, was_refused},
};

const MINUTE_MS: i64 = 60_000;

/// So many times the usual gap without a call is silence.
const SILENT_GAPS: i64 = 3;
/// Refused for so long, and not accepted since, is a credential that does not work.
const REFUSED_MS: i64 = 15 * MINUTE_MS;
/// A credential that nobody has tried for so long is in no identity provider any more.
const FORGOTTEN_MS: i64 = DAY_MS;
/// Tenants that are read at a time.
const PAGE: i64 = 500;
/// The time for which it is enough to have noted that a tenant needs a hand: its row need not be written for that again.
const RISK_NOTED_MS: u64 = 60 * 60_000;

/// One verdict for a tenant.
#[derive(Clone, Debug)]
pub struct Health {
    /// What needs a hand, the worst first; each has a time.
    pub findings: Vec<Finding>,
    /// The identity providers that have called.
    pub idps: Vec<IdpHealth>,
    /// The live credentials, and those that are still tried.
    pub credentials: Vec<CredentialHealth>,
    /// The licenses.
    pub pools: Vec<Pool>,
}

/// What a look at a tenant finds.
#[derive(Clone, Debug)]
pub struct Look {
    /// How the tenant is.
    pub health: Health,
    /// What the tenant's summary row in the registry is to say; `None` where it says so already.
    pub row: Option<Verdict>,
}

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdpHealth {
    /// Its word.
    pub name: &'static str,
    /// Its last call, and how often it calls, in words (ME15).
    pub sentence: String,
    /// Its last call.
    pub last_call: Option<String>,
    /// The median of its last 50 pauses over five minutes; null where too few are known.
    pub usual_gap_minutes: Option<i64>,
    /// Lists and searches of people in the last 24 hours.
    pub lookups_24h: i64,
    /// Creates of people in that time, also refused ones.
    pub creates_24h: i64,
    /// Refused writes in that time.
    pub refused_24h: i64,
}

/// A credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CredentialHealth {
    /// Its public part.
    pub key_id: String,
    /// How it is used.
    pub kind: &'static str,
    /// The identity provider that it is taken to be; null where it was not used.
    pub idp: Option<&'static str>,
    /// `ok`, `expired` or `revoked`.
    pub state: &'static str,
    /// When it ends.
    pub expires: Option<String>,
    /// When it was last accepted, to the minute.
    pub last_used: Option<String>,
    /// Requests with its key id that were not accepted since then, and the last one.
    pub wrong_secrets: i64,
    /// The last of them.
    pub last_wrong_secret: Option<String>,
}

/// A tenant that needs a hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedsHand {
    /// Its company key.
    pub key: CompanyKey,
    /// What for, the worst first.
    pub codes: Vec<Code>,
    /// Since when the first of it.
    pub since_ms: i64,
}

/// How a tenant is now, and what the list of the region is to say of it. The caller writes that, because only the caller knows when the
/// row was written last. `store` is the tenant's, and `contact` is whom its administrators ask.
///
/// # Errors
/// When a store fails.
pub async fn health(
    registry: &Registry,
    key: &CompanyKey,
    store: &Store,
    rules: &Arc<Rules>,
    contact: String,
) -> Result<Look> {
    let standing = registry.standing(key).await?;
    let now_ms = registry.now_ms();
    let target = format!("--region {} --key {key}", registry.region());
    let (rules, asked) = (Arc::clone(rules), (contact.clone(), target.clone()));
    let recounts = Recount::is_due(standing.verdict.as_ref().and_then(|verdict| verdict.recount), now_ms);
    let read = move |tx: &mut ReadTx<'_>| {
        let (contact, target) = &asked;
        let recounted = recounts.then(|| health::recount(tx, &rules, now_ms)).transpose()?;
        Ok((health::read(tx, &rules, now_ms, Asked { user: "", contact, target })?, recounted))
    };
    let (of_store, recounted) = store.read::<_, ProvisioningError>(read).await?;
    let outlived = registry.without_maker(&standing.tenant.id).await?;
    let asked = Asked { user: "", contact: &contact, target: &target };
    let judged = Judged { standing: &standing, of_store, recounted, outlived, now_ms };
    let (health, verdict) = judged.conclude(asked);
    let row = Some(verdict).filter(|verdict| standing.verdict.as_ref() != Some(verdict));
    Ok(Look { health, row })
}

/// Everything that is known of a tenant.
struct Judged<'a> {
    standing: &'a TenantStanding,
    of_store: OfStore,
    /// Where it was due.
    recounted: Option<Recounted>,
    /// Credentials without a maker among staff, and since when.
    outlived: Vec<(String, i64)>,
    now_ms: i64,
}

impl Judged<'_> {
    fn conclude(self, asked: Asked<'_>) -> (Health, Verdict) {
        let Self { standing, of_store, recounted, outlived, now_ms } = self;
        let OfStore { mut findings, traffic, pools, held, quarantine_risk } = of_store;
        let quiet = quietest(&traffic, standing, now_ms);
        let silence = quiet.as_ref().map(|(_, silence)| *silence);
        let was_called = !traffic.is_empty();
        findings.extend(of_credentials(standing, now_ms, asked));
        let by_staff = outlived.iter().map(|(key_id, at_ms)| health::maker_left(key_id, Some(*at_ms)));
        findings.extend(by_staff);
        if is_never_called(standing, was_called) {
            findings.push(never_called(&standing.tenant, asked));
        }
        if let Some((idp, silence)) =
            quiet.filter(|(_, silence)| is_silent(&standing.tenant, *silence, now_ms))
        {
            findings.push(silent(idp, silence, now_ms));
        }
        findings.sort_by_key(|finding| finding.code);
        let before = standing.verdict.clone().unwrap_or_default();
        let mut codes = BTreeMap::new();
        for finding in &mut findings {
            let word = finding.code.word();
            let since_ms = finding.since_ms.or(before.codes.get(word).copied()).unwrap_or(now_ms);
            finding.since_ms = Some(since_ms);
            let first = codes.entry(word.to_owned()).or_insert(since_ms);
            *first = since_ms.min(*first);
        }
        let seats = seat_figures(&pools, &traffic, recounted.as_ref(), &before);
        // One that was never called is being set up.
        let is_found = findings.iter().any(|finding| finding.code != Code::NeverCalled);
        let needs_hand = is_found || is_scarce(&seats) || was_refused(&traffic, now_ms);
        let was_silent = before.silence.is_some_and(|silence| now_ms > silence.from_ms);
        let figures =
            Figures { last_calls_ms: last_calls(&traffic), gap_ms: gap_ms(&traffic), quarantine_risk };
        let recount = match recounted {
            Some(Recounted { adds_up, .. }) => Some(Recount { at_ms: now_ms, adds_up }),
            None => before.recount,
        };
        let is_known = |at_ms: &i64| now_ms.abs_diff(*at_ms) < RISK_NOTED_MS;
        let at_risk_ms = match needs_hand || was_silent {
            true => before.at_risk_ms.filter(is_known).or(Some(now_ms)),
            false => before.at_risk_ms,
        };
        let health = Health {
            findings,
            idps: idps(&traffic, now_ms),
            credentials: credentials(standing, &traffic, now_ms),
            pools,
        };
        (health, Verdict { codes, silence, was_called, at_risk_ms, figures, seats, held, recount })
    }
}

/// The codes that the passing of time brings, and the registry alone can tell.
const OF_REGISTRY: [Code; 4] =
    [Code::CredentialUnauthorized, Code::CredentialExpiring, Code::NeverCalled, Code::Silent];

/// The time in which writes count for [`Code::NearQuarantine`]: a day, in whole hours. The code ends when no more come, and then nobody
/// looks at the tenant anew.
const COUNTED_MS: i64 = DAY_MS + 60 * MINUTE_MS;

/// Every tenant of a region that needs a hand, the worst first. No store is opened.
///
/// # Errors
/// When the registry fails.
pub async fn needing_a_hand(registry: &Registry) -> Result<Vec<NeedsHand>> {
    let mut all = Vec::new();
    let mut after = None;
    let now_ms = registry.now_ms();
    loop {
        let page = registry.standings(after, PAGE).await?;
        all.extend(page.iter().filter_map(|standing| of_standing(standing, now_ms)));
        match page.last() {
            Some(last) => after = Some(last.tenant.company_key.clone()),
            None => break,
        }
    }
    all.sort_by_key(|needs: &NeedsHand| {
        // Who has the same codes and others besides is worse.
        let codes: Vec<_> =
            needs.codes.iter().map(|code| (false, Some(*code))).chain([(true, None)]).collect();
        (codes, needs.since_ms)
    });
    Ok(all)
}

pub(crate) fn of_standing(standing: &TenantStanding, now_ms: i64) -> Option<NeedsHand> {
    let verdict = standing.verdict.clone().unwrap_or_default();
    let mut codes: BTreeMap<Code, i64> = BTreeMap::new();
    let last_call_ms = verdict.figures.last_calls_ms.values().copied().max();
    let was_called = last_call_ms.is_some_and(|at_ms| now_ms - at_ms < COUNTED_MS);
    let is_over = |code: &Code| OF_REGISTRY.contains(code) || (*code == Code::NearQuarantine && !was_called);
    for (word, since_ms) in &verdict.codes {
        if let Some(code) = word.parse().ok().filter(|code| !is_over(code)) {
            codes.insert(code, *since_ms);
        }
    }
    // Only their codes and times are wanted here, not their words.
    let nobody = Asked { user: "", contact: "", target: "" };
    for finding in of_credentials(standing, now_ms, nobody) {
        let since_ms = finding.since_ms.unwrap_or(now_ms);
        codes.entry(finding.code).and_modify(|first| *first = since_ms.min(*first)).or_insert(since_ms);
    }
    if is_never_called(standing, verdict.was_called) {
        codes.insert(Code::NeverCalled, standing.tenant.created_ms);
    }
    if let Some(silence) = verdict.silence.filter(|silence| is_silent(&standing.tenant, *silence, now_ms)) {
        codes.insert(Code::Silent, silence.since_ms);
    }
    let since_ms = codes.values().copied().min()?;
    let key = standing.tenant.company_key.clone();
    Some(NeedsHand { key, codes: codes.into_keys().collect(), since_ms })
}

/// A tenant that is not served is not called.
fn is_served(tenant: &Tenant) -> bool {
    tenant.provisioning() == Provisioning::Active
}

fn is_never_called(standing: &TenantStanding, was_called: bool) -> bool {
    let is_used = |credential: &CredentialInfo| credential.last_used_ms.is_some();
    is_served(&standing.tenant) && !was_called && !standing.credentials.iter().any(is_used)
}

fn never_called(tenant: &Tenant, asked: Asked<'_>) -> Finding {
    Finding {
        code: Code::NeverCalled,
        since_ms: Some(tenant.created_ms),
        sentence: "No identity provider has ever called with a credential of this tenant.".to_owned(),
        steps: vec![
            format!(
                "Make a token if there is none: usher credential list {0}, usher credential add bearer {0}",
                asked.target
            ),
            format!(
                "Enter base URL and token in the identity provider, and press its connection test. What is wrong with a credential: usher diagnose {} --token-file FILE",
                asked.target
            ),
        ],
    }
}

fn is_silent(tenant: &Tenant, silence: Silence, now_ms: i64) -> bool {
    is_served(tenant) && now_ms > silence.from_ms
}

/// The identity provider that is, or will be, silent first: of those whose credential has not ended. One without a name may be staff who
/// tried something, so it counts only where there is no other.
fn quietest(traffic: &TrafficByCredential, standing: &TenantStanding, now_ms: i64) -> Option<(Idp, Silence)> {
    let is_any_live = standing.credentials.iter().any(|credential| credential.is_live(now_ms));
    // Where no credential is live, one that has expired is still the one of an identity provider.
    let has_ended = |credential: &&CredentialInfo| {
        credential.revoked_ms.is_some() || (is_any_live && !credential.is_live(now_ms))
    };
    let ended: BTreeSet<&str> =
        standing.credentials.iter().filter(has_ended).map(|credential| credential.key_id.as_str()).collect();
    let mut idps = by_idp(traffic);
    idps.retain(|_, traffic| traffic.iter().any(|(credential, _)| !ended.contains(credential)));
    let is_named = idps.keys().any(|idp| *idp != Idp::Other);
    let silence = |(idp, traffic): (Idp, Vec<(&str, &Traffic)>)| {
        let since_ms = traffic.iter().filter_map(|(_, traffic)| traffic.last_call_ms()).max()?;
        let gap_ms = usual_gap_ms(traffic.iter().map(|(_, traffic)| *traffic))?;
        let from_ms = since_ms.saturating_add(SILENT_GAPS * gap_ms);
        (idp != Idp::Other || !is_named).then_some((idp, Silence { since_ms, from_ms }))
    };
    idps.into_iter().filter_map(silence).min_by_key(|(_, silence)| silence.from_ms)
}

fn silent(idp: Idp, silence: Silence, now_ms: i64) -> Finding {
    let gap_ms = (silence.from_ms - silence.since_ms) / SILENT_GAPS;
    Finding {
        code: Code::Silent,
        since_ms: Some(silence.since_ms),
        sentence: format!("{}, which is too long.", last_called(idp, silence.since_ms, Some(gap_ms), now_ms)),
        steps: vec![
            match idp {
                Idp::Okta => "Okta: Dashboard → Tasks; Applications → the application → Provisioning: is it on, is its API token valid?",
                Idp::Entra => {
                    "Entra: Provisioning → Overview: is the status On, or is it in quarantine? Then Restart provisioning"
                }
                _ => "Look whether provisioning is on in the identity provider, and what its last run says.",
            }
            .to_owned(),
            "If others are silent too, look whether the network between them and Usher is up.".to_owned(),
        ],
    }
}

/// `Entra ID last called 12 min ago; usual gap 40 min`.
fn last_called(idp: Idp, last_ms: i64, gap_ms: Option<i64>, now_ms: i64) -> String {
    let name = match idp {
        Idp::Other => "An identity provider without a name",
        idp => idp_name(idp),
    };
    let gap = gap_ms.map(|gap_ms| format!("; usual gap {}", duration(gap_ms))).unwrap_or_default();
    format!("{name} last called {} ago{gap}", duration(now_ms.saturating_sub(last_ms)))
}

/// In minutes, hours or days, whichever is short.
fn duration(ms: i64) -> String {
    match ms.max(0) / MINUTE_MS {
        minutes @ 0..120 => format!("{minutes} min"),
        minutes @ 120..2_880 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / 1_440),
    }
}

/// The findings of credentials by their own rows.
fn of_credentials(standing: &TenantStanding, now_ms: i64, asked: Asked<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for credential in &standing.credentials {
        let key_id = &credential.key_id;
        let again = || format!("Make another one: usher credential add {} {}", credential.kind, asked.target);
        let is_found = |wrong: &WrongSecrets| {
            wrong.last_ms - wrong.since_ms >= REFUSED_MS && now_ms - wrong.last_ms < FORGOTTEN_MS
        };
        if let Some(refused) = credential.refused().filter(is_found) {
            let why = match state(credential, now_ms) {
                "ok" => "the secret is another one, or the base URL is that of another tenant or region",
                "expired" => "it has expired",
                _ => "it is revoked",
            };
            let compare = credential.is_live(now_ms).then(|| {
                format!(
                    "Compare the base URL in the identity provider with that of: usher tenant show {}",
                    asked.target
                )
            });
            let enter = "Enter it in the identity provider, and press its connection test.".to_owned();
            findings.push(Finding {
                code: Code::CredentialUnauthorized,
                since_ms: Some(refused.since_ms),
                sentence: format!(
                    "Requests with the credential {key_id} get nothing but 401 since {}: {why}.",
                    iso(refused.since_ms)
                ),
                steps: compare.into_iter().chain([again(), enter]).collect(),
            });
        }
        let ends = credential.expires_ms.filter(|_| credential.is_live(now_ms));
        if let Some(expires_ms) = ends.filter(|end| end - now_ms <= EXPIRING_DAYS * DAY_MS) {
            findings.push(Finding {
                code: Code::CredentialExpiring,
                since_ms: Some(expires_ms - EXPIRING_DAYS * DAY_MS),
                sentence: format!("The credential {key_id} expires on {}.", iso(expires_ms)),
                steps: vec![
                    again(),
                    "Enter it in the identity provider before that day; then revoke this one.".to_owned(),
                ],
            });
        }
    }
    findings
}

fn credentials(
    standing: &TenantStanding,
    traffic: &TrafficByCredential,
    now_ms: i64,
) -> Vec<CredentialHealth> {
    let is_shown =
        |credential: &&CredentialInfo| credential.is_live(now_ms) || credential.refused().is_some();
    let shown = |credential: &CredentialInfo| {
        let refused = credential.refused();
        CredentialHealth {
            key_id: credential.key_id.clone(),
            kind: credential.kind.key(),
            idp: traffic.get(&credential.key_id).map(|traffic| traffic.idp.word()),
            state: state(credential, now_ms),
            expires: credential.expires_ms.map(iso),
            last_used: credential.last_used_ms.map(iso),
            wrong_secrets: refused.map_or(0, |refused| refused.number),
            last_wrong_secret: refused.map(|refused| iso(refused.last_ms)),
        }
    };
    standing.credentials.iter().filter(is_shown).map(shown).collect()
}

fn idps(traffic: &TrafficByCredential, now_ms: i64) -> Vec<IdpHealth> {
    let of = |(idp, traffic): (Idp, Vec<(&str, &Traffic)>)| {
        let last_ms = traffic.iter().filter_map(|(_, traffic)| traffic.last_call_ms()).max();
        let gap_ms = usual_gap_ms(traffic.iter().map(|(_, traffic)| *traffic));
        let counts = traffic.iter().map(|(_, traffic)| traffic.of_last_day(now_ms));
        let Counts { lookups, creates, refused, .. } = counts.fold(Counts::default(), Counts::plus);
        IdpHealth {
            name: idp.word(),
            sentence: last_ms.map(|last_ms| last_called(idp, last_ms, gap_ms, now_ms)).unwrap_or_default(),
            last_call: last_ms.map(iso),
            usual_gap_minutes: gap_ms.map(|gap_ms| gap_ms / MINUTE_MS),
            lookups_24h: lookups,
            creates_24h: creates,
            refused_24h: refused,
        }
    };
    by_idp(traffic).into_iter().map(of).collect()
}
