//! The gateway's address and the admin token: flags first, then the environment, then the files that `usher serve` writes into its data
//! directory. The token is never an argument, because every process of the machine sees arguments.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ureq::http::HeaderValue;

use crate::{commands::Options, mistake::Mistake};

/// A gateway's address and the right to administer it.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Such as `https://usher.example.com`, without a slash at its end.
    pub(crate) server: String,
    /// The authorities that its certificate may come from; `None` means those of the system.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) token: AdminToken,
}

/// The admin token as a header's value, which `Debug` does not show.
#[derive(Debug)]
pub(crate) struct AdminToken {
    pub(crate) bearer: HeaderValue,
    /// Its source, for the message when the gateway refuses it.
    pub(crate) source: String,
}

impl AdminToken {
    fn new(text: &str, source: String) -> Result<Self, Mistake> {
        let secret = text.trim();
        let bearer = HeaderValue::from_str(&format!("Bearer {secret}")).ok();
        let bearer = bearer.filter(|_| !secret.is_empty() && secret.chars().all(|c| c.is_ascii_graphic()));
        let mut bearer = bearer.ok_or_else(|| Mistake::failed(format!("{source} holds no admin token.")))?;
        bearer.set_sensitive(true);
        Ok(Self { bearer, source })
    }
}

/// Finds them; `variable` is the environment.
pub(crate) fn find(
    options: &Options,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Connection, Mistake> {
    let path = |flag: &Option<PathBuf>, name| flag.clone().or_else(|| variable(name).map(PathBuf::from));
    let data_dir = path(&options.data_dir, "USHER__DATA_DIR").unwrap_or_else(|| PathBuf::from("data"));
    let server = match options.server.clone().or_else(|| variable("USHER_SERVER")) {
        Some(named) => named,
        None => read(&data_dir.join("server-url"), "no gateway has left its address")?,
    };
    Ok(Connection {
        server: checked(&server)?,
        ca_file: path(&options.ca_file, "USHER_CA_FILE"),
        token: token(options, &data_dir, &variable)?,
    })
}

fn token(
    options: &Options,
    data_dir: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<AdminToken, Mistake> {
    if let Some(file) = &options.admin_token_file {
        let text = fs::read_to_string(file);
        let text = text.map_err(|e| Mistake::failed(format!("{} cannot be read: {e}.", file.display())))?;
        return AdminToken::new(&text, file.display().to_string());
    }
    if let Some(text) = variable("USHER_ADMIN_TOKEN") {
        return AdminToken::new(&text, "USHER_ADMIN_TOKEN".to_owned());
    }
    let file = data_dir.join("admin-token");
    AdminToken::new(&read(&file, "there is no admin token")?, file.display().to_string())
}

/// A file of the data directory, or a sentence that says how it is made.
fn read(file: &Path, lacking: &str) -> Result<String, Mistake> {
    fs::read_to_string(file).map_err(|error| {
        Mistake::failed(format!(
            "{} cannot be read ({error}), so {lacking}: start a gateway with `usher serve`, or say where it is with \
             --data-dir, or with --server and USHER_ADMIN_TOKEN.",
            file.display()
        ))
    })
}

fn checked(server: &str) -> Result<String, Mistake> {
    let server = server.trim().trim_end_matches('/');
    match server.strip_prefix("https://").or_else(|| server.strip_prefix("http://")) {
        Some(host) if !host.is_empty() => Ok(server.to_owned()),
        _ => Err(Mistake::usage(format!(
            "`{server}` is no server; say it as https://HOST or http://HOST:PORT."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn data_dir_of_a_gateway() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("server-url"), "http://127.0.0.1:8080\n").unwrap();
        fs::write(dir.path().join("admin-token"), "from-the-file\n").unwrap();
        dir
    }

    fn options(dir: &Path) -> Options {
        Options { data_dir: Some(dir.to_owned()), ..Options::default() }
    }

    #[test]
    fn the_data_directory_is_enough() {
        let dir = data_dir_of_a_gateway();
        let found = find(&options(dir.path()), nothing).unwrap();
        assert_eq!(found.server, "http://127.0.0.1:8080");
        assert_eq!(found.token.bearer, "Bearer from-the-file");
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_files() {
        let dir = data_dir_of_a_gateway();
        let variables = |name: &str| match name {
            "USHER_SERVER" => Some("http://variable/".to_owned()),
            "USHER_ADMIN_TOKEN" => Some("from-a-variable".to_owned()),
            "USHER_CA_FILE" => Some("variable.pem".to_owned()),
            _ => None,
        };
        let found = find(&options(dir.path()), variables).unwrap();
        assert_eq!(
            (found.server.as_str(), found.token.bearer.to_str().unwrap()),
            ("http://variable", "Bearer from-a-variable")
        );
        assert_eq!(found.ca_file, Some("variable.pem".into()));

        let flags = Options {
            server: Some("http://flag".into()),
            ca_file: Some("flag.pem".into()),
            admin_token_file: Some(dir.path().join("admin-token")),
            ..options(dir.path())
        };
        let found = find(&flags, variables).unwrap();
        assert_eq!(
            (found.server.as_str(), found.token.bearer.to_str().unwrap()),
            ("http://flag", "Bearer from-the-file")
        );
        assert_eq!(found.ca_file, Some("flag.pem".into()));
    }

    #[test]
    fn without_a_gateway_the_sentence_says_how_to_start_one() {
        let dir = tempfile::tempdir().unwrap();
        let Err(Mistake::Failed(sentence)) = find(&options(dir.path()), nothing) else {
            panic!("found a gateway")
        };
        assert!(sentence.contains("usher serve"), "{sentence}");
    }

    #[test]
    fn bare_host_names_and_other_schemes_are_wrong_usage() {
        assert_eq!(checked(" https://usher.example.com/ ").unwrap(), "https://usher.example.com");
        for server in ["ftp://usher.example.com", "127.0.0.1:8080", "http://", "https://", ""] {
            assert!(matches!(checked(server), Err(Mistake::Usage(_))), "{server}");
        }
    }

    #[test]
    fn the_token_is_not_shown_by_debug() {
        let token = AdminToken::new("secret", "a file".into()).unwrap();
        assert!(!format!("{token:?}").contains("secret"));
    }
}
