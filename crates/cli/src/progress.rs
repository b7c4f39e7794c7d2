//! A bar on stderr that says how far a command is. It is seen on a terminal only.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// One bar, until it is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar in bytes; without a total it counts.
    #[must_use]
    pub fn of_bytes(what: impl Into<Cow<'static, str>>, total: Option<u64>) -> Self {
        Self::new(
            what,
            total,
            "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}",
            "{msg} {bytes}, {bytes_per_sec}",
        )
    }

    /// A bar in things; without a total it counts.
    #[must_use]
    pub fn of_things(what: impl Into<Cow<'static, str>>, total: Option<u64>) -> Self {
        Self::new(what, total, "{msg} {wide_bar} {pos} of {len}, {per_sec}", "{msg} {pos}, {per_sec}")
    }

    fn new(what: impl Into<Cow<'static, str>>, total: Option<u64>, with_total: &str, without: &str) -> Self {
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
        let template = if total.is_some() { with_total } else { without };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message(what);
        Self(bar)
    }

    /// How much is done.
    pub fn reached(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Says a sentence above the bar; without a terminal it is all that is seen.
    pub fn tell(&self, sentence: &str) {
        self.0.suspend(|| {
            // A sentence that nobody reads is no error.
            let _unread = writeln!(io::stderr(), "{sentence}");
        });
    }

    /// What remains takes a while, and its length is not known.
    pub fn waits(&self, what: &'static str) {
        self.0.set_message(what);
        self.0.enable_steady_tick(Duration::from_millis(200));
    }

    /// Counts what is read.
    pub(crate) fn reading<R: Read>(&self, from: R) -> impl Read {
        self.0.wrap_read(from)
    }

    /// Counts what is written.
    pub(crate) fn writing(self, to: impl Write + 'static) -> Box<dyn Write> {
        Box::new(Counted { to, progress: self })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

struct Counted<W> {
    to: W,
    progress: Progress,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.progress.0.inc(u64::try_from(written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
