//! `usher diagnose`: which of region, company key and credential is wrong.

use std::{fs, io::Read as _, path::Path};

use serde_json::json;

use crate::{
    commands::{Asked, Options},
    mistake::Mistake,
    output::{cell, facts},
    session::Session,
};

/// Longest credential, in bytes.
const LONGEST: u64 = 16 * 1024;

pub(crate) fn run(asked: &Asked, token_file: Option<&Path>, options: &Options) -> Result<(), Mistake> {
    let credential = read(token_file)?;
    let session = Session::open(options)?;
    let body = json!({ "region": asked.region, "key": asked.key, "credential": credential.trim() });
    let told = session.client.post("diagnose", &body)?;
    session.show(&told, |told| {
        let facts = facts(["region", "key", "credential", "provisioning", "base_url"], told);
        format!("{facts}\n\n{}", cell(told, "sentence"))
    })?;
    let is_right = ["region", "key", "credential"].iter().all(|name| cell(&told, name) == "ok")
        && cell(&told, "provisioning") == "active";
    if is_right { Ok(()) } else { Err(Mistake::failed("A request with these would not be served.")) }
}

fn read(token_file: Option<&Path>) -> Result<String, Mistake> {
    let mut text = String::new();
    let read = match token_file {
        Some(file) => fs::File::open(file).and_then(|file| file.take(LONGEST).read_to_string(&mut text)),
        None => std::io::stdin().take(LONGEST).read_to_string(&mut text),
    };
    let from = token_file.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    read.map_err(|error| Mistake::failed(format!("{from} cannot be read: {error}.")))?;
    Ok(text)
}
