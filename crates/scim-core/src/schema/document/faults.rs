//! The faults of one schema document.

/// One sentence for each fault, bounded in number.
#[derive(Debug, Default)]
pub(super) struct Faults {
    kept: Vec<String>,
    further: usize,
}

impl Faults {
    const MAX: usize = 49;

    pub(super) fn add(&mut self, fault: String) {
        if self.kept.len() < Self::MAX {
            self.kept.push(fault);
        } else {
            self.further += 1;
        }
    }

    pub(super) fn into_result(mut self) -> Result<(), Vec<String>> {
        if self.further > 0 {
            self.kept.push(format!("And {} more faults.", self.further));
        }
        if self.kept.is_empty() { Ok(()) } else { Err(self.kept) }
    }
}
