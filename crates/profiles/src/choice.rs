//! The words that a key of a profile may have, one enum a key.

use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

/// An enum whose variants are words of the file, in small letters.
macro_rules! words {
    ($($(#[$head:meta])* $name:ident { $($(#[$inner:meta])* $word:ident),+ $(,)? })+) => {$(
        $(#[$head])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, IntoStaticStr, VariantArray)]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name { $($(#[$inner])* $word),+ }

        impl $name {
            /// The word as the file writes it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                self.into()
            }
        }
    )+};
}

words! {
    /// `activation`: whether a new tenant is open at once or by an act of staff (CX16).
    Activation {
        /// Open from the beginning.
        AtOnce,
        /// Closed until `tenant activate`.
        ByStaff,
    }
    /// `credentials`: the kinds that may be made for a tenant.
    Credential {
        /// A token in the Authorization header.
        Bearer,
        /// A key and a secret by HTTP Basic (CX17).
        Basic,
        /// OAuth client credentials.
        Oauth,
        /// Tokens that another issuer signs.
        Issuer,
    }
    /// `licenses.policy`: what happens when no seat is left.
    Policy {
        /// The write is refused and nothing is stored.
        Refuse,
        /// A seat of the fallback, and a place in the queue.
        Fallback,
        /// Stored without a seat, and a place in the queue.
        Hold,
        /// A seat beyond the quota, up to a number.
        Overage,
    }
    /// `sources.unmapped`: what a value means that the map does not have.
    Unmapped {
        /// The next source is asked.
        Next,
        /// The default role, whatever later sources would say.
        Default,
        /// 400 `invalidValue` with the legal values.
        Refuse,
    }
    /// `sources.empty`: what null, `""` or `[]` does to a stored value.
    Empty {
        /// It goes.
        Clear,
        /// It stays.
        Keep,
    }
    /// `members.unknown`: members that the tenant does not have.
    UnknownMembers {
        /// 400 that names them.
        Refuse,
        /// The others are applied, these are logged.
        Skip,
    }
    /// `members.foreign_origin`: members whose origin is not the identity provider.
    ForeignOrigin {
        /// As all others.
        Take,
        /// Left out and logged.
        Skip,
    }
    /// `leaving.deleted`: what DELETE of a person does.
    Deleted {
        /// The row goes.
        Delete,
        /// The row stays and is not to be seen over SCIM.
        Archive,
    }
    /// `leaving.recreate`: what a POST of an archived userName makes.
    Recreate {
        /// A new person.
        New,
        /// The old one, with the old id.
        Revive,
    }
    /// `leaving.groupless`: what becomes of a person who has left the last group that was pushed.
    Groupless {
        /// Nothing.
        Keep,
        /// Suspended.
        Suspend,
        /// Deleted, as `leaving.deleted` says.
        Delete,
    }
    /// `leaving.on_reactivate`: which role a person comes back with.
    OnReactivate {
        /// The one that is asked for.
        Requested,
        /// The free one, until it is asked for again (CX23).
        Lowest,
    }
    /// `local.wins`: who decides after staff have chosen a role or switched a person on or off (CX14).
    LocalWins {
        /// The next write that carries the source.
        Idp,
        /// Staff, until they release the person.
        LocalUntilReleased,
        /// Staff, for good.
        Local,
    }
    /// `protect.last_admin`: what happens to a change that would leave no active admin (MO11).
    LastAdmin {
        /// 403 `lastAdmin`.
        Refuse,
        /// 200, and its effect waits.
        Hold,
        /// It is made.
        Allow,
    }
    /// `log.people`: how people stand in the log.
    People {
        /// By userName.
        Names,
        /// By a keyed hash.
        Ids,
    }
}

/// `matching.adopt`: by what a POST finds the LOCAL person whom it takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, IntoStaticStr, VariantArray)]
pub enum AdoptBy {
    /// The userName.
    #[serde(rename = "userName")]
    #[strum(serialize = "userName")]
    UserName,
    /// The externalId.
    #[serde(rename = "externalId")]
    #[strum(serialize = "externalId")]
    ExternalId,
    /// Any e-mail address.
    #[serde(rename = "emails.value")]
    #[strum(serialize = "emails.value")]
    Email,
}

/// `attributes.type`: the type of an own attribute (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
#[allow(missing_docs, reason = "the RFC's own words")]
pub enum AttributeType {
    Boolean,
    String,
    Integer,
    Decimal,
    DateTime,
}

/// `features`: what a tenant's identity provider may do (CX19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "each is the word that it says")]
pub enum Feature {
    Create,
    Update,
    Deactivate,
    Reactivate,
    Delete,
    PushGroups,
    ImportUsers,
    ImportGroups,
}

impl Feature {
    /// The key in the file, which a refusal names: `features.create`.
    #[must_use]
    pub fn key(self) -> String {
        let word: &'static str = self.into();
        format!("features.{word}")
    }
}
