//! What a server announces of itself: `ServiceProviderConfig` and `ResourceTypes`; and the profiles that it claims.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A feature that RFC 7644 leaves to the server.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Feature {
    /// PATCH.
    Patch,
    /// `/Bulk`
    Bulk,
    /// `filter`
    Filter,
    /// `sortBy`
    Sort,
    /// Entity tags.
    Etag,
    /// `startIndex`; only RFC 9865 lets a server do without.
    Index,
    /// Cursors of RFC 9865.
    Cursor,
    /// Any way to sign in.
    Authentication,
    /// Groups.
    Groups,
    /// The enterprise extension.
    Enterprise,
}

/// Rules beyond the RFCs, or among their readings.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// `draft-zollner-scim-interop-profile`; a server claims it by `interopProfileConformant`.
    Interop,
    /// What Okta asks beyond the RFCs.
    Okta,
    /// What Entra asks beyond the RFCs.
    Entra,
    /// The RFCs' letter where identity providers ask for the contrary.
    Strict,
}

impl Profile {
    /// All.
    pub const ALL: [Self; 4] = [Self::Interop, Self::Okta, Self::Entra, Self::Strict];

    /// Its word on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Interop => "interop",
            Self::Okta => "okta",
            Self::Entra => "entra",
            Self::Strict => "strict",
        }
    }
}

/// What a server claims.
#[derive(Debug)]
pub(crate) struct Claims {
    configuration: Value,
    /// Names and extensions of the resource types.
    endpoints: BTreeSet<String>,
    extensions: BTreeSet<String>,
    profiles: Vec<Profile>,
}

impl Claims {
    /// Reads both documents; what cannot be read claims nothing. The profiles are those that the caller claims for it.
    pub(crate) fn read(configuration: Value, types: &Value, of_caller: &[Profile]) -> Self {
        let mut profiles = of_caller.to_vec();
        let is_interop = configuration.get("interopProfileConformant") == Some(&Value::Bool(true));
        if is_interop && !profiles.contains(&Profile::Interop) {
            profiles.push(Profile::Interop);
        }
        // A bare array is wrong, and a check says so; what it holds is known all the same.
        let types = types.get("Resources").unwrap_or(types);
        let types = types.as_array().map_or(&[][..], Vec::as_slice);
        let endpoints = types.iter().filter_map(|kind| kind.get("endpoint")?.as_str());
        let endpoints = endpoints.map(|endpoint| endpoint.trim_matches('/').to_lowercase()).collect();
        let extensions = types.iter().filter_map(|kind| kind.get("schemaExtensions")?.as_array()).flatten();
        let extensions = extensions.filter_map(|extension| extension.get("schema")?.as_str());
        Self { endpoints, extensions: extensions.map(str::to_lowercase).collect(), profiles, configuration }
    }

    pub(crate) fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    pub(crate) fn has(&self, profile: Profile) -> bool {
        self.profiles.contains(&profile)
    }

    /// Why a check that needs this is not made.
    pub(crate) fn lacks(&self, feature: Feature) -> Option<&'static str> {
        let is_true = |pointer: &str| self.configuration.pointer(pointer) == Some(&Value::Bool(true));
        let (is_claimed, sentence) = match feature {
            Feature::Patch => (is_true("/patch/supported"), "ServiceProviderConfig claims no patch"),
            Feature::Bulk => (is_true("/bulk/supported"), "ServiceProviderConfig claims no bulk"),
            Feature::Filter => (is_true("/filter/supported"), "ServiceProviderConfig claims no filter"),
            Feature::Sort => (is_true("/sort/supported"), "ServiceProviderConfig claims no sort"),
            Feature::Etag => (is_true("/etag/supported"), "ServiceProviderConfig claims no etag"),
            Feature::Cursor => (is_true("/pagination/cursor"), "ServiceProviderConfig claims no cursors"),
            Feature::Index => (
                self.configuration.pointer("/pagination/index") != Some(&Value::Bool(false)),
                "ServiceProviderConfig says that there is no paging by index",
            ),
            Feature::Authentication => (
                self.configuration
                    .get("authenticationSchemes")
                    .and_then(Value::as_array)
                    .is_some_and(|all| !all.is_empty()),
                "ServiceProviderConfig names no authentication scheme",
            ),
            Feature::Groups => (self.endpoints.contains("groups"), "ResourceTypes lists no groups"),
            Feature::Enterprise => (
                self.extensions.contains("urn:ietf:params:scim:schemas:extension:enterprise:2.0:user"),
                "ResourceTypes lists no enterprise extension",
            ),
        };
        (!is_claimed).then_some(sentence)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_server_claims_what_its_two_documents_say_and_nothing_else() {
        let configuration = json!({ "patch": { "supported": true }, "bulk": { "supported": "true" },
            "authenticationSchemes": [{ "type": "oauthbearertoken" }], "interopProfileConformant": true });
        let types = json!({ "Resources": [{ "endpoint": "/Users", "schemaExtensions": [
            { "schema": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User" }] }] });
        let claims = Claims::read(configuration, &types, &[Profile::Okta]);
        for feature in [Feature::Patch, Feature::Index, Feature::Authentication, Feature::Enterprise] {
            assert_eq!(claims.lacks(feature), None);
        }
        for feature in
            [Feature::Bulk, Feature::Filter, Feature::Sort, Feature::Etag, Feature::Cursor, Feature::Groups]
        {
            assert!(claims.lacks(feature).is_some(), "{feature:?}");
        }
        assert_eq!(claims.profiles(), [Profile::Okta, Profile::Interop]);
        let nothing = Claims::read(Value::Null, &Value::Null, &[]);
        assert!(nothing.lacks(Feature::Patch).is_some() && nothing.profiles().is_empty());
    }
}
