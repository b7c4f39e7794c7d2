//! The workers' records: the latencies of right answers by operation, and the wrong answers apart from them.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::Result;

/// So many wrong answers are kept with their text; the others are only counted.
const SAMPLES: usize = 5;

/// Three significant digits: an error of at most 0.1 %.
const DIGITS: u8 = 3;

/// Latencies and faults of one worker, one phase or several rounds.
#[derive(Default)]
pub struct Record {
    operations: BTreeMap<&'static str, Histogram<u64>>,
    /// Wrong answers.
    pub faults: u64,
    /// The first of them, in words.
    pub samples: Vec<String>,
}

/// Half and 99 of 100 answers came within these times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentiles {
    /// Median.
    pub p50: Duration,
    /// 99th percentile.
    pub p99: Duration,
}

impl Record {
    /// A right answer to `operation`.
    pub fn right(&mut self, operation: &'static str, took: Duration) -> Result<()> {
        let nanoseconds = u64::try_from(took.as_nanos())?.max(1);
        match self.operations.get_mut(operation) {
            Some(histogram) => histogram.record(nanoseconds)?,
            None => {
                let mut histogram = Histogram::new(DIGITS)?;
                histogram.record(nanoseconds)?;
                self.operations.insert(operation, histogram);
            }
        }
        Ok(())
    }

    /// A wrong answer to `operation`.
    pub fn wrong(&mut self, operation: &str, why: &str) {
        self.faults += 1;
        if self.samples.len() < SAMPLES {
            let short: String = why.chars().take(600).collect();
            self.samples.push(format!("{operation}: {short}"));
        }
    }

    /// Adds the record of another worker or round.
    pub fn absorb(&mut self, other: Record) -> Result<()> {
        for (operation, theirs) in other.operations {
            match self.operations.get_mut(operation) {
                Some(mine) => mine.add(theirs)?,
                None => drop(self.operations.insert(operation, theirs)),
            }
        }
        self.faults += other.faults;
        self.samples.extend(other.samples);
        self.samples.truncate(SAMPLES);
        Ok(())
    }

    /// Takes the wrong answers out, to be kept apart from the latencies.
    pub fn take_faults(&mut self) -> Record {
        let (faults, samples) = (std::mem::take(&mut self.faults), std::mem::take(&mut self.samples));
        Record { faults, samples, ..Record::default() }
    }

    /// Right answers to one operation.
    pub fn count(&self, operation: &str) -> u64 {
        self.operations.get(operation).map_or(0, Histogram::len)
    }

    /// Right answers to all operations.
    pub fn total(&self) -> u64 {
        self.operations.values().map(Histogram::len).sum()
    }

    /// The operations that were answered, by name.
    pub fn operations(&self) -> impl Iterator<Item = &'static str> {
        self.operations.keys().copied()
    }

    /// The latencies of one operation, if it was ever answered.
    pub fn percentiles(&self, operation: &str) -> Option<Percentiles> {
        self.operations.get(operation).filter(|histogram| !histogram.is_empty()).map(percentiles)
    }

    /// The latencies of all operations together.
    pub fn overall(&self) -> Option<Percentiles> {
        let mut all = Histogram::<u64>::new(DIGITS).ok()?;
        self.operations.values().try_for_each(|one| all.add(one)).ok()?;
        (!all.is_empty()).then(|| percentiles(&all))
    }
}

fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
    Percentiles { p50: at(0.5), p99: at(0.99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(operation: &'static str, milliseconds: impl IntoIterator<Item = u64>) -> Record {
        let mut record = Record::default();
        for ms in milliseconds {
            record.right(operation, Duration::from_millis(ms)).unwrap();
        }
        record
    }

    #[test]
    fn percentiles_are_within_a_thousandth() {
        let found = seen("get", 1..=100).percentiles("get").unwrap();
        assert!(found.p50.abs_diff(Duration::from_millis(50)) < Duration::from_micros(60), "{found:?}");
        assert!(found.p99.abs_diff(Duration::from_millis(99)) < Duration::from_micros(110), "{found:?}");
    }

    #[test]
    fn rounds_add_up() {
        let mut both = seen("get", [1, 2, 3]);
        both.absorb(seen("get", [4, 5])).unwrap();
        both.absorb(seen("put", [9])).unwrap();
        assert_eq!((both.count("get"), both.count("put"), both.total()), (5, 1, 6));
        assert_eq!(both.operations().collect::<Vec<_>>(), ["get", "put"]);
    }

    #[test]
    fn an_operation_that_was_never_answered_has_no_percentiles() {
        assert_eq!(Record::default().percentiles("get"), None);
        assert_eq!(Record::default().overall(), None);
    }

    #[test]
    fn wrong_answers_are_counted_but_only_the_first_are_kept() {
        let mut record = Record::default();
        for n in 0..9 {
            record.wrong("get", &format!("answer {n}"));
        }
        assert_eq!((record.faults, record.samples.len()), (9, SAMPLES));
        assert_eq!(record.samples[0], "get: answer 0");
    }
}
