//! The words of operations and of what came of them.

/// The kind of a request, for its duration: few words, because each has a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// One resource.
    Read,
    /// A page of resources, or a search.
    List,
    /// A new resource.
    Create,
    /// A change of a person.
    Change,
    /// A deletion.
    Delete,
    /// A change of a group.
    GroupChange,
    /// Many operations at once.
    Bulk,
    /// Schemas, resource types, configuration.
    Discovery,
    /// Everything else.
    Other,
}

impl Operation {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::GroupChange => "group_change",
            Self::Bulk => "bulk",
            Self::Discovery => "discovery",
            Self::Other => "other",
        }
    }
}

/// What came of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Ok,
    /// It said what is so already.
    Noop,
    /// It was refused for want of a seat or of a right.
    Refused,
    /// Something else stood in its way: a name that is taken, another version.
    Conflict,
    /// It was wrong, or named what is not here.
    Invalid,
    /// It came too fast, or waited too long.
    Throttled,
    /// The gateway failed.
    Error,
}

impl Outcome {
    /// The outcome that a status of HTTP means.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            403 => Self::Refused,
            409 | 412 => Self::Conflict,
            429 | 503 => Self::Throttled,
            400..=499 => Self::Invalid,
            500.. => Self::Error,
            _ => Self::Ok,
        }
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Noop => "noop",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Throttled => "throttled",
            Self::Error => "error",
        }
    }
}
