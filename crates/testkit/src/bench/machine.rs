//! The facts a figure is worth nothing without: which machine, which kernel, which compiler, which commit, when.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use super::Result;

/// The cores this process may use.
pub fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Name and value of every fact, in reading order. `date` replaces the system's.
pub fn facts(folder: &Path, sqlite: &str, date: Option<&str>) -> Vec<(&'static str, String)> {
    let date = date.map_or_else(|| said("date", &["-u", "+%Y-%m-%d"]), str::to_owned);
    vec![
        ("date", date),
        ("commit", commit()),
        ("processor", format!("{} cores, {}", cores(), of_file("/proc/cpuinfo", "model name"))),
        ("memory", of_file("/proc/meminfo", "MemTotal")),
        ("kernel", said("uname", &["-sr"])),
        ("file system", file_system(folder)),
        ("compiler", said("rustc", &["--version"])),
        ("SQLite", sqlite.to_owned()),
        ("load before the run", load()),
    ]
}

/// Refuses a folder that lives in memory: its flushes cost nothing, so every figure would be wrong.
pub fn refuse_memory(folder: &Path) -> Result<()> {
    match file_system(folder).as_str() {
        "tmpfs" | "ramfs" => {
            Err(format!("{} is in memory; give --folder on a disk", folder.display()).into())
        }
        _ => Ok(()),
    }
}

fn commit() -> String {
    let hash = said("git", &["rev-parse", "--short", "HEAD"]);
    let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    if changed.is_empty() || changed == UNKNOWN { hash } else { format!("{hash} with uncommitted changes") }
}

const UNKNOWN: &str = "unknown";

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

fn of_file(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or(UNKNOWN.into(), |(_, value)| value.trim().to_owned())
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or(UNKNOWN).to_owned()
}

fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    type_of(&mounts, &folder)
}

/// The type of the innermost mount that holds the folder; of two at one place, the later one counts.
fn type_of(mounts: &str, folder: &Path) -> String {
    let mut best = (0, UNKNOWN);
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        let (Some(place), Some(kind)) = (fields.next(), fields.next()) else {
            continue;
        };
        if folder.starts_with(place) && place.len() >= best.0 {
            best = (place.len(), kind);
        }
    }
    best.1.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_tells_the_file_system() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\nproc /proc proc rw 0 0\n";
        assert_eq!(type_of(mounts, Path::new("/tmp/a")), "tmpfs");
        assert_eq!(type_of(mounts, Path::new("/tmpfile")), "ext4");
        assert_eq!(type_of("", Path::new("/a")), UNKNOWN);
    }
}
