//! `usher profile …`, and the profile of one tenant: `usher tenant profile`, `override` and `reapply`.

use std::{fs, io::Read as _, path::Path};

use serde_json::{Value, json};
use staff::{MAX_PROFILE_BYTES, patch_of_words};
use ureq::http::Method;

use crate::{
    commands::{Options, ProfileAct, Target},
    copies,
    mistake::Mistake,
    output::{cell, elements, list, member, members},
    progress::Progress,
    session::Session,
};

pub(crate) fn run(act: ProfileAct, options: &Options) -> Result<(), Mistake> {
    match act {
        ProfileAct::List => {
            let session = Session::open(options)?;
            session.show(&session.client.get("profiles")?, |profiles| {
                list(["name", "version", "built_in", "tenants"], elements(profiles))
            })
        }
        ProfileAct::Show { name } => {
            let session = Session::open(options)?;
            let profile = session.client.get(&format!("profiles/{}", encoded(&name)))?;
            session.show(&profile, |profile| cell(profile, "toml").trim_end().to_owned())
        }
        ProfileAct::Check { file } => {
            let (text, session) = (text_of(&file)?, Session::open(options)?);
            let checked = check(&session, &file, &text)?;
            session.show(&checked, |_| format!("{} has no fault.", file.display()))
        }
        ProfileAct::Add { file } => {
            let (text, session) = (text_of(&file)?, Session::open(options)?);
            check(&session, &file, &text)?;
            let path = format!("profiles/{}", encoded(stem(&file)));
            let added = session.client.send_toml(Method::PUT, &path, &text);
            session.show(&added.map_err(|mistake| mistake.in_file(&shown(&file)))?, |profile| {
                format!(
                    "Profile {} is there in version {}; {} tenants have it.",
                    cell(profile, "name"),
                    cell(profile, "version"),
                    cell(profile, "tenants")
                )
            })
        }
        ProfileAct::Remove { name } => {
            let session = Session::open(options)?;
            session.client.delete(&format!("profiles/{}", encoded(&name)))?;
            session.show(&json!({ "name": name, "removed": true }), |_| format!("Profile {name} is removed."))
        }
    }
}

fn check(session: &Session, file: &Path, text: &str) -> Result<Value, Mistake> {
    let path = format!("profiles?check=true&name={}", encoded(stem(file)));
    session.client.send_toml(Method::POST, &path, text).map_err(|mistake| mistake.in_file(&shown(file)))
}

/// The name of a profile in this file.
fn stem(file: &Path) -> &str {
    file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

fn encoded(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

fn text_of(file: &Path) -> Result<String, Mistake> {
    let most = u64::try_from(MAX_PROFILE_BYTES).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    let name = file.display();
    let read = fs::File::open(file).and_then(|file| file.take(most + 1).read_to_end(&mut text));
    read.map_err(|error| Mistake::failed(format!("{name} cannot be read: {error}.")))?;
    if text.len() > MAX_PROFILE_BYTES {
        return Err(Mistake::failed(format!("{name} is longer than {MAX_PROFILE_BYTES} bytes.")));
    }
    String::from_utf8(text).map_err(|_| Mistake::failed(format!("{name} is no text in UTF-8.")))
}

pub(crate) fn of_tenant(target: &Target, options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    session.show(&session.client.get(&target.path("/profile"))?, describe)
}

/// Changes overrides; words that cannot be read are told before anything is sent.
pub(crate) fn change(
    target: &Target,
    set: &[String],
    unset: &[String],
    options: &Options,
) -> Result<(), Mistake> {
    let patch = patch_of_words(set, unset).map_err(Mistake::Faults)?;
    let session = Session::open(options)?;
    session.show(&session.client.patch(&target.path("/profile/overrides"), &patch)?, describe)
}

fn describe(profile: &Value) -> String {
    let columns = ["key", "profile", "override", "in_force"];
    let rows = list(columns, elements(member(profile, "keys")));
    format!("{} version {}\n\n{rows}", cell(profile, "profile"), cell(profile, "version"))
}

pub(crate) fn reapply(target: &Target, is_dry: bool, options: &Options) -> Result<(), Mistake> {
    let session = Session::open_for(options, copies::TIME)?;
    let path = target.path(if is_dry { "/profile/reapply?dry_run=true" } else { "/profile/reapply" });
    let mut progress = None;
    let done = session.client.post_for_lines(&path, &json!({}), |line| {
        let number = |name| line.get(name).and_then(Value::as_u64);
        if let (Some(read), Some(people)) = (number("read"), number("of").filter(|people| *people > 0)) {
            progress.get_or_insert_with(|| Progress::of_things("people", Some(people))).reached(read);
        }
    })?;
    drop(progress);
    if let Some(sentence) = done.get("error").and_then(Value::as_str) {
        return Err(Mistake::failed(sentence));
    }
    session.show(&done, |done| {
        let moved: Vec<String> =
            members(member(done, "moved")).map(|(way, n)| format!("{n} {way}")).collect();
        let moved = if moved.is_empty() { "nobody".to_owned() } else { moved.join(", ") };
        let verb = if is_dry { "would be moved" } else { "moved" };
        format!(
            "{} people; {verb}: {moved}; {} wait, {} refused.",
            cell(done, "people"),
            cell(done, "waiting"),
            cell(done, "refused")
        )
    })
}
