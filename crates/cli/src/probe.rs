//! One question to a listener of the gateway, without a credential.

use std::time::Duration;

use crate::client::agent;

/// The listener's answer.
pub struct Probed {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub text: String,
}

/// Asks a listener by `http`.
///
/// # Errors
/// One sentence when nobody answers in time.
pub fn probe(url: &str, patience: Duration) -> Result<Probed, String> {
    let told = |error: ureq::Error| format!("Nobody answers at {url}: {error}.");
    let agent = agent(url, None, patience).map_err(|_| format!("{url} cannot be asked."))?;
    let mut answer = agent.get(url).call().map_err(told)?;
    let text = answer.body_mut().read_to_string().map_err(told)?;
    Ok(Probed { status: answer.status().as_u16(), text })
}
