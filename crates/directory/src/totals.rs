//! How many users and groups there are, kept with every insert and delete: a page tells its total without counting.

use diesel::prelude::*;
use store::{ReadTx, WriteTx};

use crate::{DirectoryError, schema::directory_totals};

/// Whose total.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Total {
    Users,
    Groups,
}

impl Total {
    fn key(self) -> &'static str {
        match self {
            Self::Users => "User",
            Self::Groups => "Group",
        }
    }

    pub(crate) fn read(self, tx: &mut ReadTx<'_>) -> Result<i64, DirectoryError> {
        Ok(tx.get_result(directory_totals::table.find(self.key()).select(directory_totals::total))?)
    }

    pub(crate) fn add(self, tx: &mut WriteTx<'_>, by: i64) -> Result<(), DirectoryError> {
        tx.increase(directory_totals::table.find(self.key()), directory_totals::total, by)?;
        Ok(())
    }
}
