//! Writes the seeds of every target into a folder each, as libFuzzer wants its corpus: `seeds fuzz/corpus`.
#![allow(clippy::unwrap_used, reason = "a tool of developers: it stops where it cannot go on")]

use std::fs;
use std::path::PathBuf;

use scim_properties::TARGETS;

fn main() {
    let root: PathBuf = std::env::args_os().nth(1).map_or_else(|| "fuzz/corpus".into(), PathBuf::from);
    for target in TARGETS {
        let folder = root.join(target.name);
        fs::create_dir_all(&folder).unwrap();
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), seed).unwrap();
        }
    }
}
