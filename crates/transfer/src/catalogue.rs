//! The tables of a store as its database lists them, and the statements that read and write their rows.

use std::collections::BTreeSet;

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Bool, Text};
use store::{StoreConnection, StoreError};

/// One table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    columns: Vec<Column>,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    /// Its place in the primary key, from 1; 0 for a column that is not in it.
    key_place: i64,
    /// Text whose order depends on a collation.
    is_collated: bool,
}

#[derive(diesel::QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = BigInt)]
    key_place: i64,
    #[diesel(sql_type = Bool)]
    is_collated: bool,
}

#[derive(diesel::QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    parent: String,
}

const SQLITE_COLUMNS: &str = "SELECT t.name AS table_name, c.name AS column_name, c.pk AS key_place, FALSE AS is_collated \
    FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
    WHERE t.type = 'table' AND substr(t.name, 1, 7) <> 'sqlite_' ORDER BY t.name, c.cid";

const SQLITE_REFERENCES: &str = "SELECT t.name AS child, f.\"table\" AS parent \
    FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'";

const POSTGRES_COLUMNS: &str = "SELECT t.relname::text AS table_name, a.attname::text AS column_name, \
    coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint AS key_place, \
    a.atttypid = 'pg_catalog.text'::regtype AS is_collated \
    FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped \
    LEFT JOIN pg_catalog.pg_index i ON i.indrelid = t.oid AND i.indisprimary \
    WHERE n.nspname = current_schema() AND t.relkind = 'r' ORDER BY t.relname::text COLLATE \"C\", a.attnum";

const POSTGRES_REFERENCES: &str = "SELECT child.relname::text AS child, parent.relname::text AS parent \
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class child ON child.oid = k.conrelid \
    JOIN pg_catalog.pg_class parent ON parent.oid = k.confrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = child.relnamespace \
    WHERE k.contype = 'f' AND n.nspname = current_schema()";

/// All tables, a table after those that it refers to.
pub(crate) fn tables(connection: &mut StoreConnection) -> Result<Vec<Table>, StoreError> {
    let (columns, references) = match connection {
        StoreConnection::Sqlite(_) => (SQLITE_COLUMNS, SQLITE_REFERENCES),
        StoreConnection::Postgres(_) => (POSTGRES_COLUMNS, POSTGRES_REFERENCES),
    };
    let columns: Vec<ColumnRow> = diesel::sql_query(columns).load(connection)?;
    let references: Vec<Reference> = diesel::sql_query(references).load(connection)?;
    in_order(grouped(columns)?, &references)
}

/// Takes away an index that a migration made.
pub(crate) fn drop_index(name: &str) -> String {
    format!("DROP INDEX \"{name}\"")
}

fn grouped(rows: Vec<ColumnRow>) -> Result<Vec<Table>, StoreError> {
    let mut tables: Vec<Table> = Vec::new();
    for row in rows {
        // The names go into statements as they are.
        for name in [&row.table_name, &row.column_name] {
            if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
                return Err(StoreError::Corrupt(
                    "a table of this store has another program's name".to_owned(),
                ));
            }
        }
        let column = Column { name: row.column_name, key_place: row.key_place, is_collated: row.is_collated };
        match tables.last_mut().filter(|table| table.name == row.table_name) {
            Some(table) => table.columns.push(column),
            None => tables.push(Table { name: row.table_name, columns: vec![column] }),
        }
    }
    Ok(tables)
}

fn in_order(mut left: Vec<Table>, references: &[Reference]) -> Result<Vec<Table>, StoreError> {
    let mut ordered: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let waiting: BTreeSet<String> = left.iter().map(|table| table.name.clone()).collect();
        let is_ready = |table: &Table| {
            let mut parents = references.iter().filter(|r| r.child == table.name && r.parent != r.child);
            !parents.any(|reference| waiting.contains(&reference.parent))
        };
        let Some(next) = left.iter().position(is_ready) else {
            return Err(StoreError::Corrupt(
                "the tables of this store refer to each other in a circle".to_owned(),
            ));
        };
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

impl Table {
    fn columns(&self) -> String {
        self.listed(|column| format!("\"{}\"", column.name))
    }

    fn listed(&self, each: impl Fn(&Column) -> String) -> String {
        self.columns.iter().map(each).collect::<Vec<_>>().join(", ")
    }

    /// Each row as a JSON object, in the order of the primary key's bytes, which is the same on both databases.
    pub(crate) fn select(&self, connection: &StoreConnection) -> String {
        let row = match connection {
            StoreConnection::Sqlite(_) => {
                format!("json_object({})", self.listed(|column| format!("'{0}', \"{0}\"", column.name)))
            }
            StoreConnection::Postgres(_) => "row_to_json(t)::text".to_owned(),
        };
        format!("SELECT {row} AS row FROM \"{}\" t{}", self.name, self.order())
    }

    /// Each row of a table of PostgreSQL as a list of texts, in the same order.
    pub(crate) fn select_texts(&self) -> String {
        let texts = self.listed(|column| format!("t.\"{}\"::text", column.name));
        format!("SELECT ARRAY[{texts}] AS texts FROM \"{}\" t{}", self.name, self.order())
    }

    fn order(&self) -> String {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.key_place > 0).collect();
        key.sort_by_key(|column| column.key_place);
        let collated = |column: &&Column| {
            let collation = if column.is_collated { " COLLATE \"C\"" } else { "" };
            format!("t.\"{}\"{collation}", column.name)
        };
        let order = key.iter().map(collated).collect::<Vec<_>>().join(", ");
        if order.is_empty() { order } else { format!(" ORDER BY {order}") }
    }

    /// Writes the rows of a JSON list, which is its one parameter.
    pub(crate) fn insert(&self, connection: &StoreConnection) -> String {
        let (name, columns) = (&self.name, self.columns());
        let rows = match connection {
            StoreConnection::Sqlite(_) => {
                let values = self.listed(|column| format!("value ->> '{}'", column.name));
                format!("SELECT {values} FROM json_each($1)")
            }
            StoreConnection::Postgres(_) => {
                format!("SELECT {columns} FROM json_populate_recordset(NULL::\"{name}\", $1::json)")
            }
        };
        format!("INSERT INTO \"{name}\" ({columns}) {rows}")
    }

    /// The statement that writes one row, without the values, which stand behind it in parentheses.
    pub(crate) fn insert_values(&self) -> String {
        format!("INSERT INTO \"{}\" ({}) VALUES", self.name, self.columns())
    }

    /// Writes the rows that the table of the same name has in another schema.
    pub(crate) fn copy_from(&self, schema: &str) -> String {
        let (name, columns) = (&self.name, self.columns());
        format!("INSERT INTO main.\"{name}\" ({columns}) SELECT {columns} FROM {schema}.\"{name}\"")
    }

    pub(crate) fn count(&self) -> String {
        format!("SELECT count(*) AS number FROM \"{}\"", self.name)
    }

    pub(crate) fn delete(&self) -> String {
        format!("DELETE FROM \"{}\"", self.name)
    }
}
