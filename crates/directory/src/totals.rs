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
        Ok(directory_totals::table
            .find(self.key())
            .select(directory_totals::total)
            .get_result(tx.connection())?)
    }

    pub(crate) fn add(self, tx: &mut WriteTx<'_>, by: i64) -> Result<(), DirectoryError> {
        diesel::update(directory_totals::table.find(self.key()))
            .set(directory_totals::total.eq(directory_totals::total + by))
            .execute(tx.connection())?;
        Ok(())
    }
}
