//! The profiles that ship with Usher, one file a product.

use crate::fault::Fault;
use crate::profile::Profile;

const FILES: [(&str, &str); 5] = [
    ("default", include_str!("../profiles/default.toml")),
    ("mentimeter", include_str!("../profiles/mentimeter.toml")),
    ("cxone-expert", include_str!("../profiles/cxone-expert.toml")),
    ("iomete", include_str!("../profiles/iomete.toml")),
    ("metacompliance", include_str!("../profiles/metacompliance.toml")),
];

/// Their names.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The text of the file of this name.
#[must_use]
pub fn built_in_text(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

impl Profile {
    /// The profile of this name that ships with Usher.
    ///
    /// # Errors
    /// A sentence that names those there are, or the faults of the file, which a test excludes.
    pub fn built_in(name: &str) -> Result<Self, String> {
        let Some(text) = built_in_text(name) else {
            let all = built_in_names().collect::<Vec<_>>().join(", ");
            return Err(format!("there is no profile {name:?} that ships with Usher; there are {all}"));
        };
        let file = format!("{name}.toml");
        let lines = |faults: Vec<Fault>| {
            faults.iter().map(|fault| fault.in_file(&file).to_string()).collect::<Vec<_>>()
        };
        Self::parse(name, text).map_err(|faults| lines(faults).join("\n"))
    }
}
