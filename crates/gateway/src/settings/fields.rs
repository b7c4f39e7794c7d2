//! How a key's text or number becomes the type of its field. An error says what the value must be; serde adds the key.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    time::Duration,
};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::base_url::BaseUrl;

/// A duration in whole seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "u64")]
pub(crate) struct Seconds(pub(crate) Duration);

/// How log lines are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LogFormat {
    Json,
    Text,
}

impl From<u64> for Seconds {
    fn from(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

/// `None` for 0.
pub(super) fn unless_zero<'de, D: Deserializer<'de>>(value: D) -> Result<Option<usize>, D::Error> {
    Ok(Some(usize::deserialize(value)?).filter(|number| *number > 0))
}

pub(super) fn address<'de, D: Deserializer<'de>>(value: D) -> Result<SocketAddr, D::Error> {
    text(value, resolve)
}

/// `None` for an empty text.
pub(super) fn optional_address<'de, D: Deserializer<'de>>(value: D) -> Result<Option<SocketAddr>, D::Error> {
    text(value, |text| Some(text).filter(|text| !text.is_empty()).map(resolve).transpose())
}

/// `None` for a blank text.
pub(super) fn optional_url<'de, D: Deserializer<'de>>(value: D) -> Result<Option<BaseUrl>, D::Error> {
    text(value, BaseUrl::optional)
}

pub(super) fn log_format<'de, D: Deserializer<'de>>(value: D) -> Result<LogFormat, D::Error> {
    text(value, |text| match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("must be json or text"),
    })
}

fn resolve(text: &str) -> Result<SocketAddr, &'static str> {
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or("must be host:port, such as 127.0.0.1:8080")
}

/// Reads a text; an error of `read` begins with `must`.
fn text<'de, D: Deserializer<'de>, T>(
    value: D,
    read: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<T, D::Error> {
    let text = String::deserialize(value)?;
    read(&text).map_err(|fault| D::Error::custom(format!("{fault}, not {text:?}")))
}
