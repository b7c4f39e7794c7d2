//! The list of one run: its stores, each with the copy of it. The list is written last, and a run without its list is none.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use transfer::{FileWriter, Form, Line, Sealed};

use crate::changes::Seen;
use crate::error::{BackupError, at};
use crate::folder::{Folder, flush};
use crate::path::StorePath;

/// One complete run.
#[derive(Debug)]
pub struct Run {
    pub(crate) head: Head,
    pub(crate) copies: BTreeMap<StorePath, Copy>,
    /// One sentence for each store that could not be copied.
    pub(crate) problems: Vec<String>,
}

/// The first line of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    /// When the run began, for people and for names of files.
    pub(crate) at: String,
    /// The same in milliseconds since 1970 UTC.
    pub(crate) at_ms: i64,
    /// The start of the machine that it ran on.
    pub(crate) boot: Option<String>,
}

impl Form for Head {
    const WORD: &'static str = "usher_backup";
    const WHAT: &'static str = "list of a backup";
}

/// The copy of one store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Copy {
    /// Names the copy and proves that it is undamaged.
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    /// The state of the store's file; absent when the next run must copy it anyway.
    pub(crate) seen: Option<Seen>,
    /// The store could not be read in this run; the copy is that of an earlier one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_old: bool,
}

#[derive(Serialize, Deserialize)]
struct StoreLine {
    path: StorePath,
    #[serde(flatten)]
    copy: Copy,
}

impl Run {
    /// The newest run, or the newest that began at this moment or before, in milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// A sentence when there is none, or its list is damaged.
    pub fn find(folder: &Folder, at_ms: Option<i64>) -> Result<Self, BackupError> {
        let lists = folder.lists()?;
        for list in lists.iter().rev() {
            let run = Self::read(list)?;
            if at_ms.is_none_or(|at_ms| run.at_ms() <= at_ms) {
                return Ok(run);
            }
        }
        let Some(oldest) = lists.first() else {
            return Err(BackupError::refused(format!("{} holds no complete run", folder.path().display())));
        };
        let oldest = Self::read(oldest)?.at().to_owned();
        Err(BackupError::refused(format!(
            "the oldest run of {} is that of {oldest}",
            folder.path().display()
        )))
    }

    /// When it began, as text.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.head.at
    }

    /// When it began, in milliseconds since 1970 UTC.
    #[must_use]
    pub fn at_ms(&self) -> i64 {
        self.head.at_ms
    }

    /// One sentence for each store that could not be copied.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    pub(crate) fn read(list: &Path) -> Result<Self, BackupError> {
        let told = |error| BackupError::of_list(list, error);
        let sealed = Sealed::<_, Head>::check(File::open(list).map_err(at(list))?).map_err(told)?;
        let mut run = Self { head: sealed.header().clone(), copies: BTreeMap::new(), problems: Vec::new() };
        let mut reader = sealed.read().map_err(told)?;
        while let Some(line) = reader.next_line().map_err(told)? {
            let Line::Record(kind, value) = line else { continue };
            let strange = |error| BackupError::refused(format!("{} cannot be read: {error}", list.display()));
            match kind.as_str() {
                "store" => {
                    let StoreLine { path, copy } = serde_json::from_value(value).map_err(strange)?;
                    run.copies.insert(path, copy);
                }
                "problem" => run.problems.push(serde_json::from_value(value).map_err(strange)?),
                other => return Err(BackupError::refused(format!("{} has a line {other}", list.display()))),
            }
        }
        Ok(run)
    }

    /// Writes the list; with its name the run becomes complete.
    pub(crate) fn write(&self, folder: &Folder) -> Result<(), BackupError> {
        let (staged, list) = (folder.staging().join("list"), folder.list(&self.head.at));
        let write = || {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged)?;
            let mut writer = FileWriter::begin(BufWriter::new(file), &self.head)?;
            for (path, copy) in &self.copies {
                writer.record("store", &StoreLine { path: path.clone(), copy: copy.clone() })?;
            }
            self.problems.iter().try_for_each(|problem| writer.record("problem", problem))?;
            let mut written = writer.end()?;
            written.flush()?;
            written.get_ref().sync_all()?;
            fs::rename(&staged, &list)
        };
        write().map_err(at(&list))?;
        list.parent().map_or(Ok(()), flush)
    }
}
