//! What to do, in the words of the identity provider that was recognised, or as a command for staff.

use strum::VariantArray;

use super::asked::Asked;
use crate::log::Idp;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum Step {
    /// The identity provider sends it again.
    Retry,
    /// The person is given the application.
    Assign,
    /// The person is made active where the identity provider made it inactive.
    Reactivate,
    /// The person is put into a group that is pushed.
    Regroup,
    /// Attributes are mapped, or their values corrected.
    CheckMapping,
    /// The base URL is corrected.
    BaseUrl,
    /// What else of the same request was refused is mended first.
    OtherRefusals,
    /// Somebody who does not need a seat gives one back.
    FreeSeat,
    /// More seats are sold.
    RaiseQuota,
    /// The other person with the same value is found.
    RemoveDouble,
    /// Staff let a person go whose effect waits.
    Release,
    /// Staff carry out, or drop, what a group's change would do.
    ReleaseGroup,
    /// Staff carry out, or roll back, what the breaker holds.
    Breaker,
    /// Staff make a person active whom they made inactive.
    Activate,
    /// Somebody else becomes an admin.
    AnotherAdmin,
    /// Staff take the person off the protected ones.
    Unprotect,
    /// Staff switch a feature on.
    FeatureOn,
    /// Staff make a credential with the scopes that are needed.
    Scopes,
    /// Staff switch provisioning on.
    Serve,
    /// Staff give the tenant more room.
    MoreRoom,
    /// The identity provider sends less at once.
    SendLess,
    /// It is sent again in a moment.
    Wait,
    /// All is well: the person signs in again.
    SignIn,
    /// The contact looks at it.
    AskUs,
}

impl Step {
    /// The step in words for the identity provider's administrator, who has no command of staff.
    #[must_use]
    pub fn for_administrator(self, idp: Idp, contact: &str) -> String {
        match self {
            Self::Release
            | Self::ReleaseGroup
            | Self::Breaker
            | Self::Activate
            | Self::Unprotect
            | Self::FeatureOn
            | Self::Scopes => {
                format!("Ask {contact}: this is in their hands.")
            }
            Self::RaiseQuota => format!("Or ask {contact} for more seats."),
            Self::RemoveDouble => {
                "Match the person who has the value in the identity provider, or remove the double."
                    .to_owned()
            }
            Self::Serve => format!("Ask {contact} to switch provisioning on."),
            Self::BaseUrl => {
                format!(
                    "Compare the base URL in the identity provider with the one that you got from {contact}."
                )
            }
            Self::OtherRefusals => "Mend first what else of the same bulk was refused.".to_owned(),
            Self::MoreRoom => format!("Ask {contact} for more room."),
            step => step.words(idp, &Asked { user: "", contact, target: "" }),
        }
    }

    /// The step in words.
    #[must_use]
    pub fn words(self, idp: Idp, asked: &Asked<'_>) -> String {
        let Asked { user, contact, target } = asked;
        match self {
            Self::Retry => retry(idp).to_owned(),
            Self::Assign => assign(idp).to_owned(),
            Self::Reactivate => reactivate(idp).to_owned(),
            Self::Regroup => {
                "Put the person into a group that the identity provider pushes to this application."
                    .to_owned()
            }
            Self::CheckMapping => mapping(idp).to_owned(),
            Self::BaseUrl => format!(
                "Compare the base URL in the identity provider with that of: usher tenant show {target}"
            ),
            Self::OtherRefusals => format!(
                "Mend first what else of the same bulk was refused: usher log {target} --result refused"
            ),
            Self::FreeSeat => {
                "Free a seat: unassign or deactivate somebody who does not need the application.".to_owned()
            }
            Self::RaiseQuota => {
                format!("Ask {contact} for more seats. Staff: usher seats set {target} LICENSE=NUMBER")
            }
            Self::RemoveDouble => format!(
                "Find who has the value: usher user list {target}. Then match that person in the identity provider, or delete the double."
            ),
            Self::Release => format!("Staff: usher user release {target} --user {user}"),
            Self::ReleaseGroup => {
                format!(
                    "Staff: usher group list {target}, then usher group release {target} --group GROUP [--drop]"
                )
            }
            Self::Breaker => format!(
                "Staff: usher breaker show {target}, then usher breaker release {target} or usher breaker rollback {target}"
            ),
            Self::Activate => format!("Staff: usher user set {target} --user {user} --active true"),
            Self::AnotherAdmin => "Make somebody else an admin in the identity provider first.".to_owned(),
            Self::Unprotect => {
                format!("Staff: take the person out of protect.users: usher tenant override {target}")
            }
            Self::FeatureOn => format!("Staff: usher tenant set {target} --feature NAME=on"),
            Self::Scopes => format!(
                "Staff: usher credential add bearer {target} with the scopes users and groups, and enter it in the identity provider."
            ),
            Self::Serve => {
                format!("Ask {contact} to switch provisioning on. Staff: usher tenant show {target}")
            }
            Self::MoreRoom => {
                format!("Ask {contact} for more room. Staff: usher tenant set {target} --max-bytes N")
            }
            Self::SendLess => {
                "Let the identity provider send fewer members or operations at once.".to_owned()
            }
            Self::Wait => "Nothing: the identity provider waits and sends it again.".to_owned(),
            Self::SignIn => {
                "Nothing: the person may sign in. If the application says otherwise, sign out and in again."
                    .to_owned()
            }
            Self::AskUs => format!("Ask {contact}, with the Ref of the refusal."),
        }
    }
}

fn retry(idp: Idp) -> &'static str {
    match idp {
        Idp::Okta => "Okta: Dashboard → Tasks → Retry",
        Idp::Entra => {
            "Entra: Provisioning → Provision on demand → the person; else the next cycle sends it again, within 40 minutes"
        }
        Idp::OneLogin => "OneLogin: Users → Provisioning → the failed task → Retry",
        Idp::JumpCloud => {
            "JumpCloud: User Groups → the application's group: take the person out, save, put the person in again"
        }
        Idp::Ping => "Ping: Provisioning → Rules → the rule → Sync",
        Idp::Google => {
            "Google: Apps → the application → Autoprovisioning: it is sent again within some hours"
        }
        Idp::Authentik => "authentik: Providers → the provider → Run sync again",
        Idp::Other | Idp::Staff => "Send it again from the identity provider.",
    }
}

fn assign(idp: Idp) -> &'static str {
    match idp {
        Idp::Okta => "Okta: Applications → the application → Assignments → Assign",
        Idp::Entra => {
            "Entra: Enterprise applications → the application → Users and groups → Add; then Provisioning → Provision on demand"
        }
        Idp::OneLogin => "OneLogin: Users → the person → Applications → +",
        Idp::JumpCloud => "JumpCloud: User Groups → the application's group → Users",
        Idp::Ping => "Ping: Provisioning → Rules → the rule: its filter must let the person through",
        Idp::Google => "Google: Apps → the application → User access: on for the person's unit or group",
        Idp::Authentik => "authentik: Providers → the provider: its filter must let the person through",
        Idp::Other | Idp::Staff => {
            "Assign the person to the application in the identity provider, and look whether provisioning is on there."
        }
    }
}

fn reactivate(idp: Idp) -> &'static str {
    match idp {
        Idp::Okta => {
            "Okta: Applications → the application → Assignments → Assign again, or Directory → People → the person → Activate"
        }
        Idp::Entra => {
            "Entra: Users → the person → Account enabled; Users and groups of the application → Add"
        }
        Idp::OneLogin => "OneLogin: Users → the person → status Active, with the application",
        Idp::JumpCloud => "JumpCloud: Users → the person → Activate, and the application's group",
        Idp::Ping => "Ping: Identities → Users → the person → Enable",
        Idp::Google => "Google: Directory → Users → the person → Reactivate",
        Idp::Authentik => "authentik: Directory → Users → the person → Activate",
        Idp::Other | Idp::Staff => {
            "Make the person active, and assign the application again, in the identity provider."
        }
    }
}

fn mapping(idp: Idp) -> &'static str {
    match idp {
        Idp::Okta => "Okta: Applications → the application → Provisioning → To App → Attribute Mappings",
        Idp::Entra => "Entra: Provisioning → Mappings → Provision Microsoft Entra ID Users",
        Idp::OneLogin => "OneLogin: Applications → the application → Parameters",
        Idp::JumpCloud => {
            "JumpCloud: SSO Applications → the application → Identity Management → attribute mapping"
        }
        Idp::Ping => "Ping: Provisioning → Rules → the rule → Attribute mapping",
        Idp::Google => "Google: Apps → the application → Autoprovisioning → attribute mapping",
        Idp::Authentik => "authentik: Providers → the provider → property mappings",
        Idp::Other | Idp::Staff => {
            "Look at the attribute mapping in the identity provider: what the message names must be sent, with a value."
        }
    }
}
