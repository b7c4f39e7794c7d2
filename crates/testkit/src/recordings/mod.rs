//! Recordings: the requests of an identity provider, step by step, and the answers that they must get. A recording is data
//! (JSON); this module plays it against a real gateway and names the first step whose answer differs.
//!
//! A file is an array of cases: `name`, `idp`, `source`, `note` (optional), and `steps`, each of
//! - `method`, `path` (sent as written, below the base URL), `headers` (as the provider sends them; `Authorization` is added
//!   unless a step names it; `null`: none), `body` (JSON, or with `raw: true` a string sent as it is);
//! - `repeat: N` (with `${i}` = 1 to N), and `parallel: K` to send those from K connections at once;
//! - `expect.status` (a list), `expect.headers`, `expect.json` (path → wanted), `expect.capture` (variable → path).
//!
//! Variables: `${uniq}` (one per case), `${UNIQ}` (in capitals), `${base}`, `${uuid:NAME}`, `${i}`, and captures. The language of
//! paths, matchers and variables is that of the crate `conformance`.

mod play;

pub use play::{Conversation, Report, play_folder};
