//! What a profile says about people beyond role and license: members of groups, leaving, coming back, who wins, whom to protect. The
//! defaults are what a tenant has whose profile says nothing.

use std::collections::BTreeSet;

use scim_core::fold::user_name_key;

/// The policies about people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleRules {
    /// Group members who are of staff.
    pub foreign_members: ForeignMembers,
    /// What DELETE of a user does.
    pub deleted: Deleted,
    /// What a POST with the userName of an archived person does.
    pub recreate: Recreate,
    /// What becomes of a person who has left the last group; `None`: nothing.
    pub groupless: Option<Groupless>,
    /// With which role a person comes back.
    pub on_reactivate: OnReactivate,
    /// Who wins after a local change of role or active.
    pub local_wins: Wins,
    /// By which keys a POST takes over a person of staff, in this order.
    pub adopt: Vec<AdoptKey>,
    /// What happens to the last admin.
    pub last_admin: LastAdmin,
    /// The roles that make an admin.
    pub admin_roles: BTreeSet<String>,
    /// Keys of userNames that an identity provider never suspends, lowers or deletes.
    protected: BTreeSet<String>,
}

/// Members of a group who are of staff.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForeignMembers {
    /// They are members like all others.
    #[default]
    Take,
    /// They are skipped and logged; the rest is applied (IO17).
    Skip,
}

/// What DELETE of a user does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// The person is gone.
    #[default]
    Delete,
    /// The person is gone over SCIM, and kept apart (CX24).
    Archive,
}

/// What a POST with the userName of an archived person does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recreate {
    /// Makes a new person.
    #[default]
    New,
    /// Gives the old id back (IO18).
    Revive,
}

/// What becomes of a person who has left the last group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groupless {
    /// What is done.
    pub then: WhenGroupless,
    /// After how many minutes, so that a move between two groups destroys nobody.
    pub after_minutes: u32,
}

/// What is done with a person in no group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenGroupless {
    /// Not active any more.
    Suspend,
    /// As DELETE does.
    Delete,
}

/// With which role a person comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReactivate {
    /// With the one that the document says.
    #[default]
    Requested,
    /// With the default role, until the source of the role is sent again (CX23).
    Lowest,
}

/// Who wins after a local change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wins {
    /// The next write of the identity provider that carries the attribute.
    #[default]
    Idp,
    /// Staff, until they release the person.
    LocalUntilReleased,
    /// Staff.
    Local,
}

/// A key by which a POST finds a person of staff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdoptKey {
    /// `userName`
    UserName,
    /// `externalId`
    ExternalId,
    /// `emails.value`
    EmailsValue,
}

/// What happens to a write that would leave no active admin (MO11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastAdmin {
    /// It is done.
    #[default]
    Allow,
    /// 403 `lastAdmin`; nothing is written.
    Refuse,
    /// It is stored, and its effect waits until there is another admin.
    Hold,
}

impl Default for PeopleRules {
    fn default() -> Self {
        Self {
            foreign_members: ForeignMembers::default(),
            deleted: Deleted::default(),
            recreate: Recreate::default(),
            groupless: None,
            on_reactivate: OnReactivate::default(),
            local_wins: Wins::default(),
            adopt: vec![AdoptKey::UserName],
            last_admin: LastAdmin::default(),
            admin_roles: BTreeSet::from(["admin".to_owned()]),
            protected: BTreeSet::new(),
        }
    }
}

impl PeopleRules {
    /// Protects the people of these userNames.
    pub fn protect<'n>(&mut self, user_names: impl IntoIterator<Item = &'n str>) {
        self.protected = user_names.into_iter().map(user_name_key).collect();
    }

    /// Whether a person is protected.
    #[must_use]
    pub fn protects(&self, user_name: &str) -> bool {
        !self.protected.is_empty() && self.protected.contains(&*user_name_key(user_name))
    }

    /// Whether a role makes an admin.
    #[must_use]
    pub fn is_admin(&self, role: &str) -> bool {
        self.admin_roles.contains(role)
    }
}
