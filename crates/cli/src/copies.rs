//! `usher tenant export` and `import`, and the restoring of one tenant: a whole tenant on its way to a file and back.

use std::{
    fs::{self, File, OpenOptions},
    io::BufWriter,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use staff::MoveRequest;
use tenant_registry::{CompanyKey, RegionCode};

use crate::{commands::Target, mistake::Mistake, progress::Progress, session::Session};

/// The longest that a tenant may be on its way.
pub(crate) const TIME: Duration = Duration::from_secs(3_600);

/// The media type of an export.
const EXPORT: &str = "application/x-ndjson";

pub(crate) fn export(target: &Target, to: &Path, session: &Session) -> Result<(), Mistake> {
    if to.exists() {
        return Err(Mistake::failed(format!("{} is there already; name a new file.", to.display())));
    }
    let part = beside(to);
    let _ = fs::remove_file(&part);
    let written = session.client.download(&target.path("/export"), |length| {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let file = file.map_err(|error| unwritten(&part, &error))?;
        Ok(Progress::of_bytes("exporting", length).writing(BufWriter::new(file)))
    });
    let kept = written.and_then(|bytes| {
        let flushed = File::open(&part).and_then(|file| file.sync_all()).and_then(|()| fs::rename(&part, to));
        flushed.map(|()| bytes).map_err(|error| unwritten(to, &error))
    });
    if kept.is_err() {
        let _ = fs::remove_file(&part);
    }
    let bytes = kept?;
    let answer = json!({ "region": target.region, "key": target.key, "file": to, "bytes": bytes });
    session.show(&answer, |_| format!("{target} is in {}, {bytes} bytes.", to.display()))
}

/// Has the gateway move the tenant, and shows how far it is; the tenant as it is then.
pub(crate) fn move_to(target: &Target, to: &MoveRequest, session: &Session) -> Result<Value, Mistake> {
    let mut progress = None;
    let last = session.client.post_for_lines(&target.path("/move"), to, |line| {
        if let (Some(rows), Some(all)) =
            (number(line, "rows"), number(line, "all_rows").filter(|all| *all > 0))
        {
            progress.get_or_insert_with(|| Progress::of_things("rows", Some(all))).reached(rows);
        }
    })?;
    match last.get("error").and_then(Value::as_str) {
        Some(sentence) => Err(Mistake::failed(sentence)),
        None => Ok(last),
    }
}

fn number(line: &Value, name: &str) -> Option<u64> {
    line.get(name).and_then(Value::as_u64)
}

/// Sends an export to the gateway, which makes a tenant of it; the tenant.
pub(crate) fn import(
    region: &RegionCode,
    key: Option<&CompanyKey>,
    from: &Path,
    session: &Session,
) -> Result<Value, Mistake> {
    let file = File::open(from).map_err(|error| unread(from, &error))?;
    let key = key.map_or_else(String::new, |key| format!("?key={key}"));
    send(file, &format!("regions/{region}/import{key}"), session)
}

/// Sends an export to the gateway, which puts the tenant back to it; the tenant.
pub(crate) fn restore(export: File, target: &Target, session: &Session) -> Result<Value, Mistake> {
    send(export, &target.path("/restore"), session)
}

fn send(file: File, path: &str, session: &Session) -> Result<Value, Mistake> {
    let length = file.metadata().map_err(|error| unread(Path::new("the export"), &error))?.len();
    let progress = Progress::of_bytes("sending", Some(length));
    session.client.upload(path, EXPORT, &mut progress.reading(file), length)
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn unwritten(file: &Path, error: &std::io::Error) -> Mistake {
    Mistake::failed(format!("{} cannot be written: {error}.", file.display()))
}

fn unread(file: &Path, error: &std::io::Error) -> Mistake {
    Mistake::failed(format!("{} cannot be read: {error}.", file.display()))
}
