//! Why a write was refused, as its row tells by status and keyword.

use scim_core::ScimType;
use strum::VariantArray;

use super::steps::Step;
use crate::log::Details;

/// The cause of a refusal that its status and keyword do not tell: staff have suspended the tenant.
pub const SUSPENDED: &str = "suspended";

/// Another such cause: nothing is written at the path of the request.
pub const NO_SUCH_PATH: &str = "no_such_path";

/// The kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum Refusal {
    /// No seat of the license was left.
    NoSeat,
    /// Another person has the userName, or another value that must be unique.
    Taken,
    /// An attribute is missing or has a value that is none.
    Value,
    /// A path of a PATCH names no attribute that there is.
    Path,
    /// The request is not what the RFC or a PATCH needs.
    Form,
    /// The resource is not here.
    Unknown,
    /// Nothing is written at the path, so the base URL may be another one.
    Address,
    /// It refers to an operation of the same bulk that failed, or to itself.
    NotDone,
    /// The resource has changed since the sender read it.
    Outdated,
    /// Staff have switched off what was asked for.
    FeatureOff,
    /// The credential may not do it.
    OutOfScope,
    /// The profile protects the person.
    Protected,
    /// There would be no active admin.
    LastAdmin,
    /// Staff have suspended the tenant, not activated it, or taken provisioning out of its plan.
    NotServed,
    /// The request is larger than what is taken at once.
    TooLarge,
    /// More requests than the tenant's rate.
    TooMany,
    /// The tenant's store has reached its limit, or the disk is full.
    Full,
    /// The fault was here.
    Ours,
}

impl Refusal {
    /// The kind of the refusal that a row with these details tells of.
    #[must_use]
    pub fn of(details: &Details) -> Self {
        // A profile may have a keyword of its own for it.
        if details.text("license_requested").is_some() {
            return Self::NoSeat;
        }
        // A suspended tenant is answered without a keyword, as RFC 7644 has none for it.
        match details.text("cause") {
            Some(SUSPENDED) => return Self::NotServed,
            Some(NO_SUCH_PATH) => return Self::Address,
            _ => {}
        }
        Self::of_answer(details.status(), details.text("scim_type"))
    }

    /// The kind of a refusal with this status and keyword.
    #[must_use]
    pub fn of_answer(status: u64, scim_type: Option<&str>) -> Self {
        let keyword = ScimType::ALL.iter().find(|keyword| scim_type == Some(keyword.keyword()));
        match (keyword, status) {
            (Some(ScimType::SeatLimitReached), _) => Self::NoSeat,
            (Some(ScimType::Uniqueness), _) => Self::Taken,
            (Some(ScimType::InvalidValue | ScimType::Mutability), _) => Self::Value,
            (Some(ScimType::InvalidPath | ScimType::NoTarget), _) => Self::Path,
            (Some(ScimType::FeatureDisabled), _) => Self::FeatureOff,
            (Some(ScimType::ProtectedUser), _) => Self::Protected,
            (Some(ScimType::LastAdmin), _) => Self::LastAdmin,
            (Some(ScimType::ProvisioningNotActivated | ScimType::ProvisioningNotInPlan), _) => {
                Self::NotServed
            }
            (_, 403) => Self::OutOfScope,
            (_, 404) => Self::Unknown,
            (_, 409) => Self::NotDone,
            (_, 412) => Self::Outdated,
            (_, 413) => Self::TooLarge,
            (_, 429) => Self::TooMany,
            (_, 507) => Self::Full,
            (_, 500..) => Self::Ours,
            _ => Self::Form,
        }
    }

    /// The reason, behind `because`.
    #[must_use]
    pub fn because(self) -> &'static str {
        match self {
            Self::NoSeat => "no seat of the license was free",
            Self::Taken => "another resource has a value that must be unique, such as the userName",
            Self::Value => "an attribute is missing or has a wrong value",
            Self::Path => "it names an attribute, or a value of one, that is not here",
            Self::Form => "the request was not in a form that can be read",
            Self::Unknown => "no such resource is here",
            Self::Address => "nothing is written at its path",
            Self::NotDone => "it refers to an operation of the same bulk that failed, or to itself",
            Self::Outdated => "the resource had changed since the identity provider read it",
            Self::FeatureOff => "staff have switched this feature off for the tenant",
            Self::OutOfScope => "the credential may not write such resources",
            Self::Protected => "the profile protects this person",
            Self::LastAdmin => "there would be no active admin left",
            Self::NotServed => "provisioning is not on for this tenant",
            Self::TooLarge => "the request was larger than what is taken at once",
            Self::TooMany => "more requests came than the tenant's rate allows",
            Self::Full => "there was no room left for the tenant's data",
            Self::Ours => "something failed here",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn steps(self) -> Vec<Step> {
        match self {
            Self::NoSeat => vec![Step::FreeSeat, Step::RaiseQuota, Step::Retry],
            Self::Taken => vec![Step::RemoveDouble, Step::Retry],
            Self::Value => vec![Step::CheckMapping, Step::Retry],
            Self::Path => vec![Step::CheckMapping, Step::Retry],
            Self::Form => vec![Step::AskUs],
            Self::Unknown => vec![Step::Assign],
            Self::Address => vec![Step::BaseUrl],
            Self::NotDone => vec![Step::OtherRefusals, Step::Retry],
            Self::Outdated => vec![Step::Retry],
            Self::FeatureOff => vec![Step::FeatureOn, Step::Retry],
            Self::OutOfScope => vec![Step::Scopes, Step::Retry],
            Self::Protected => vec![Step::Unprotect, Step::Retry],
            Self::LastAdmin => vec![Step::AnotherAdmin, Step::Retry],
            Self::NotServed => vec![Step::Serve, Step::Retry],
            Self::TooLarge => vec![Step::SendLess, Step::AskUs],
            Self::TooMany => vec![Step::Wait, Step::Retry],
            Self::Full => vec![Step::MoreRoom, Step::Retry],
            Self::Ours => vec![Step::Retry, Step::AskUs],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{explain::Asked, log::Idp};

    const ASKED: Asked<'_> =
        Asked { user: "ada", contact: "it@acme.example", target: "--region ire --key acme" };

    #[test]
    fn every_refusal_has_a_reason_of_its_own_and_a_step() {
        let reasons: BTreeSet<&str> = Refusal::VARIANTS.iter().map(|refusal| refusal.because()).collect();
        assert_eq!(reasons.len(), Refusal::VARIANTS.len());
        for refusal in Refusal::VARIANTS {
            assert!(!refusal.because().is_empty() && !refusal.steps().is_empty(), "{refusal:?}");
        }
    }

    #[test]
    fn every_step_has_words_for_every_identity_provider_and_is_met() {
        for step in Step::VARIANTS {
            for idp in Idp::ALL {
                let words = step.words(*idp, &ASKED);
                assert!(words.len() > 20 && !words.contains('\n'), "{step:?} {idp:?}: {words}");
            }
        }
        assert_eq!(Step::Retry.words(Idp::Okta, &ASKED), "Okta: Dashboard → Tasks → Retry");
    }

    #[test]
    fn every_keyword_and_status_that_is_answered_has_a_kind() {
        let kind = |status, keyword: ScimType| Refusal::of_answer(status, Some(keyword.keyword()));
        assert_eq!(kind(403, ScimType::SeatLimitReached), Refusal::NoSeat);
        assert_eq!(kind(409, ScimType::Uniqueness), Refusal::Taken);
        assert_eq!(kind(400, ScimType::InvalidValue), Refusal::Value);
        assert_eq!(kind(400, ScimType::InvalidPath), Refusal::Path);
        assert_eq!(kind(400, ScimType::NoTarget), Refusal::Path);
        assert_eq!(kind(400, ScimType::Mutability), Refusal::Value);
        assert_eq!(kind(403, ScimType::FeatureDisabled), Refusal::FeatureOff);
        assert_eq!(kind(403, ScimType::ProtectedUser), Refusal::Protected);
        assert_eq!(kind(403, ScimType::LastAdmin), Refusal::LastAdmin);
        assert_eq!(kind(403, ScimType::ProvisioningNotInPlan), Refusal::NotServed);
        for (status, refusal) in [
            (400, Refusal::Form),
            (403, Refusal::OutOfScope),
            (404, Refusal::Unknown),
            (405, Refusal::Form),
            (409, Refusal::NotDone),
            (412, Refusal::Outdated),
            (413, Refusal::TooLarge),
            (415, Refusal::Form),
            (429, Refusal::TooMany),
            (500, Refusal::Ours),
            (503, Refusal::Ours),
            (507, Refusal::Full),
        ] {
            assert_eq!(Refusal::of_answer(status, None), refusal, "{status}");
        }
    }
}
