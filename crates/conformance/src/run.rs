//! A whole run: what the server claims, every check, and nothing left behind.

use serde_json::Value;

use crate::{
    check::{Check, Group},
    claims::{Claims, Profile},
    litter::Litter,
    play::Player,
    report::{Outcome, Report, Verdict},
    server::{Request, Server},
};

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'p> {
    /// The checks.
    pub groups: &'p [Group],
    /// Profiles that count although the server does not claim them.
    pub claims: &'p [Profile],
    /// Letters and digits that no other run has; the names of everything that it makes contain them.
    pub run: &'p str,
}

/// Makes the checks of a plan against a server, one after the other. Each cleans up after itself, also where it fails.
///
/// # Errors
/// A sentence when there is no SCIM server that accepts the token.
pub fn run(server: &Server<'_>, plan: Plan<'_>) -> Result<Report, String> {
    let claims = claims(server, plan.claims)?;
    let litter = Litter::default();
    let player = Player { server, litter: &litter };
    let beginning = format!("conformance-{}", plan.run);
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (group, check) in
        plan.groups.iter().flat_map(|group| group.checks.iter().map(move |check| (group, check)))
    {
        if server.is_interrupted() {
            break;
        }
        let apart = apart(check, &claims);
        let lacking = check.needs.iter().find_map(|feature| claims.lacks(*feature));
        let made = lacking.is_none().then(|| {
            let done = player.play(check, &format!("{beginning}-{:03}", outcomes.len() + 1));
            litter.clear(server);
            done
        });
        let (verdict, failure) = match made {
            None => (Verdict::NotMade, None),
            // What an interrupted check lacks says nothing.
            Some(_) if server.is_interrupted() => break,
            Some(Ok(())) => (Verdict::Passed, None),
            Some(Err(failure)) => (Verdict::Failed, Some(failure)),
        };
        outcomes.push(Outcome {
            id: check.id.clone(),
            group: group.group.clone(),
            title: check.title.clone(),
            source: check.source.clone(),
            verdict,
            not_claimed: lacking.map(str::to_owned).or(apart),
            failure,
        });
    }
    let left_behind = litter.sweep(server, &beginning);
    let interrupted = server.is_interrupted();
    Ok(Report::new(server.base(), claims.profiles(), outcomes, left_behind, interrupted))
}

/// Why a check does not count, where it is made all the same.
fn apart(check: &Check, claims: &Claims) -> Option<String> {
    let unclaimed = check.claim.filter(|profile| !claims.has(*profile)).map(|profile| match profile {
        Profile::Interop => "ServiceProviderConfig does not say interopProfileConformant".to_owned(),
        other => format!("counts with --claim {}", other.word()),
    });
    let contrary = check.unless.filter(|profile| claims.has(*profile));
    unclaimed
        .or_else(|| contrary.map(|profile| format!("the profile {} asks for the contrary", profile.word())))
}

/// What the server announces.
fn claims(server: &Server<'_>, of_caller: &[Profile]) -> Result<Claims, String> {
    let get =
        |path: &str| server.send(&Request { method: "GET".into(), path: path.into(), ..Request::default() });
    let base = server.base();
    let configuration =
        get("/ServiceProviderConfig").map_err(|error| format!("{base} cannot be reached: {error}."))?;
    let users = get("/Users?count=1").map_err(|error| format!("{base} cannot be reached: {error}."))?;
    if matches!(users.status, 401 | 403) {
        return Err(format!("{base} does not accept the token: it answered {}.", users.status));
    }
    if !configuration.body.is_object() && !users.body.is_object() {
        return Err(format!(
            "{base} is no SCIM server's base URL: /Users answered {} without JSON.",
            users.status
        ));
    }
    let types = get("/ResourceTypes").map(|answer| answer.body).unwrap_or(Value::Null);
    Ok(Claims::read(configuration.body, &types, of_caller))
}
