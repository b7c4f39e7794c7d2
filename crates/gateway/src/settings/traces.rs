//! The settings of traces: the collector, what it wants, and the part of requests that is traced.

use std::path::PathBuf;

use serde::Deserialize;
use ureq::http::Uri;

/// Traces by OTLP over HTTP.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traces {
    endpoint: String,
    /// The part of requests that are traced where no proxy has decided it, from 0 to 1.
    pub(crate) ratio: f64,
    /// Empty: no headers beside those of OTLP.
    pub(super) headers_file: PathBuf,
    /// Empty: the system's list of authorities.
    pub(crate) ca_file: PathBuf,
}

impl Traces {
    /// `https://collector:4318`, without a slash at the end; `None` where no trace is sent.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        Some(self.endpoint.trim().trim_end_matches('/')).filter(|endpoint| !endpoint.is_empty())
    }

    /// # Errors
    /// One sentence that names the key.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.ratio) {
            return Err(format!("settings: traces.ratio is {}, and must be 0 to 1", self.ratio));
        }
        let Some(endpoint) = self.endpoint() else { return Ok(()) };
        // A secret belongs into `traces.headers_file`.
        let is_plain = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && uri.query().is_none()
                && !endpoint.contains('#')
        };
        if !endpoint.parse().is_ok_and(|uri| is_plain(&uri)) {
            return Err("settings: traces.endpoint must be http(s)://host[:port][/path]".to_owned());
        }
        if !cfg!(feature = "otel") {
            let told = "settings: traces.endpoint is set, but this usher was built without traces; build it with \
                        `--features otel`, or leave the endpoint empty";
            return Err(told.to_owned());
        }
        Ok(())
    }
}

#[cfg(feature = "otel")]
impl Traces {
    /// The headers that the collector wants, such as `Authorization`; no value is shown by `Debug`.
    ///
    /// # Errors
    /// One sentence for the operator, without a value.
    pub(crate) fn headers(&self) -> Result<ureq::http::HeaderMap, String> {
        use ureq::http::{HeaderName, HeaderValue};
        let file = &self.headers_file;
        if file.as_os_str().is_empty() {
            return Ok(Default::default());
        }
        let told = |fault: &str| format!("settings: traces.headers_file: {}: {fault}", file.display());
        let text = std::fs::read_to_string(file).map_err(|e| told(&e.to_string()))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let header = |(at, line): (usize, &str)| {
            let header = line.split_once(':').and_then(|(name, value)| {
                let mut value = value.trim().parse::<HeaderValue>().ok()?;
                value.set_sensitive(true);
                Some((name.trim().parse::<HeaderName>().ok()?, value))
            });
            header.ok_or_else(|| told(&format!("line {} is no header; write `name: value`", at + 1)))
        };
        lines.map(header).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(endpoint: &str) -> Traces {
        Traces {
            endpoint: endpoint.to_owned(),
            ratio: 1.0,
            headers_file: PathBuf::new(),
            ca_file: PathBuf::new(),
        }
    }

    #[test]
    fn an_endpoint_is_an_address_without_a_secret() {
        for wrong in [
            "collector:4318",
            "ftp://collector",
            "http://",
            "https://user:zq7heron@collector",
            "http://collector/v1?key=zq7heron",
            "https://collector#key=zq7heron",
            "http://a b",
        ] {
            let told = at(wrong).check().unwrap_err();
            assert!(
                told.contains("traces.endpoint must be") && !told.contains("zq7heron"),
                "{wrong}: {told}"
            );
        }
        assert_eq!(at(" ").check().map(|()| at(" ").endpoint().is_none()), Ok(true));
        assert_eq!(at("http://collector:4318/").endpoint(), Some("http://collector:4318"));
    }

    #[test]
    fn an_endpoint_takes_a_build_that_sends_traces() {
        let checked = at("https://collector:4318/otlp").check();
        assert_eq!(checked.is_ok(), cfg!(feature = "otel"));
        assert!(checked.err().is_none_or(|told| told.contains("--features otel")));
    }

    #[test]
    fn a_ratio_is_a_part() {
        for wrong in [-0.1, 1.1, f64::NAN] {
            let told = Traces { ratio: wrong, ..at("") }.check().unwrap_err();
            assert!(told.contains("traces.ratio"), "{told}");
        }
    }

    #[cfg(feature = "otel")]
    #[test]
    fn a_file_of_headers_is_read_or_its_line_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            Traces { headers_file: file.path().to_owned(), ..at("") }.headers()
        };
        let headers = read("Authorization: Bearer a:b\n\n x-scope : usher \n").unwrap();
        assert!(headers["authorization"] == "Bearer a:b" && headers["x-scope"] == "usher", "{headers:?}");
        for wrong in ["x: y\nzq7heron\n", "x: y\nzq7 heron: z\n", "x: y\nz: zq7heron\u{1}\n"] {
            let told = read(wrong).unwrap_err();
            assert!(told.contains("line 2") && !told.contains("zq7"), "{told}");
        }
        let gone = Traces { headers_file: PathBuf::from("/nowhere/headers"), ..at("") };
        assert!(gone.headers().unwrap_err().contains("traces.headers_file: /nowhere/headers"));
    }
}
