//! Long bodies of the admin API. They are received piece by piece into a file without a name, before anything of them is read.

use std::{fs::File, io::Write as _, mem};

use actix_web::{
    HttpRequest,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    web::Payload,
};
use futures_util::StreamExt as _;
use store::{StoreError, in_background};
use tenant_registry::Registry;

use super::Problem;
use crate::http;

/// Bytes that are read or written at a time.
pub(super) const PIECE: usize = 256 << 10;

/// A body of up to so many times its limit is read to its end, and thrown away, before it is refused: a client that still sends would
/// see its connection break and never read why.
const DRAINED: u64 = 4;

/// What a body must be.
pub(super) struct Upload {
    /// Without parameters.
    pub(super) media_type: &'static str,
    /// What it is, such as `an export`.
    pub(super) what: &'static str,
    /// Most bytes; without a limit the disk's room is one: the admin token was checked.
    pub(super) most: Option<u64>,
}

impl Upload {
    /// Receives a body.
    ///
    /// # Errors
    /// 415 for another type, 413 for too long a body, 400 for one that breaks off; 507 when the disk cannot take it.
    pub(super) async fn receive(
        &self,
        registry: &Registry,
        request: &HttpRequest,
        mut body: Payload,
    ) -> Result<File, Problem> {
        self.check_type(request)?;
        let announced =
            request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        if announced.zip(self.most).is_some_and(|(length, most)| length > most.saturating_mul(DRAINED)) {
            return Err(self.too_large());
        }
        http::allow_long(request);
        let mut file = registry.spool()?;
        let (mut piece, mut length) = (Vec::with_capacity(PIECE), 0_u64);
        loop {
            let more = body.next().await;
            if let Some(bytes) = &more {
                let broken =
                    |_: &_| Problem::bad_request("The body broke off or was not framed as its headers say.");
                let bytes = bytes.as_ref().map_err(broken)?;
                length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                if self.is_beyond(length, 1) {
                    if self.is_beyond(length, DRAINED) {
                        return Err(self.too_large());
                    }
                    continue;
                }
                piece.extend_from_slice(bytes);
            } else if self.is_beyond(length, 1) {
                return Err(self.too_large());
            }
            if piece.len() >= PIECE || more.is_none() {
                let full = mem::replace(&mut piece, Vec::with_capacity(PIECE));
                let what = self.what;
                let write = in_background(move || {
                    file.write_all(&full).map_err(|error| StoreError::of_file(what, &error))?;
                    Ok::<_, StoreError>(file)
                });
                file = write.await?;
            }
            if more.is_none() {
                return Ok(file);
            }
        }
    }

    fn is_beyond(&self, length: u64, times: u64) -> bool {
        self.most.is_some_and(|most| length > most.saturating_mul(times))
    }

    fn too_large(&self) -> Problem {
        let mib = self.most.unwrap_or_default() >> 20;
        Problem::new(413, format!("{} may have {mib} MiB.", capitalised(self.what)))
    }

    /// The type is this one, perhaps with parameters; a `charset` among them is UTF-8.
    fn check_type(&self, request: &HttpRequest) -> Result<(), Problem> {
        let sent =
            request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let mut parts = sent.split(';').map(str::trim);
        let is_type = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(self.media_type));
        let charset = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("charset"));
        let is_utf_8 = charset.is_none_or(|(_, value)| value.trim_matches('"').eq_ignore_ascii_case("utf-8"));
        if is_type && is_utf_8 {
            return Ok(());
        }
        Err(Problem::new(415, format!("Send {} as {} in UTF-8.", self.what, self.media_type)))
    }
}

fn capitalised(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
