//! `cargo run -p cli --example pages -- DIR` writes the manual pages and the completions of the shells, made from the words of the command
//! line. It is an example, because a release needs them and the binary does not.

use std::{env, fs, io, path::Path, process::ExitCode};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};
use cli::Cli;

/// The shells that are completed.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Fish, Shell::Zsh];

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("usage: cargo run -p cli --example pages -- DIR");
        return ExitCode::from(2);
    };
    match write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The pages could not be written: {error}.");
            ExitCode::FAILURE
        }
    }
}

/// Writes one manual page for each command into `man`, and one file for each shell into `completions`.
fn write(folder: &Path) -> io::Result<()> {
    let (manual, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&manual)?;
    fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(Cli::command(), &manual)?;
    for shell in SHELLS {
        generate_to(shell, &mut Cli::command(), "usher", &completions)?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::{path::PathBuf, process::Command};

    use super::*;

    fn commands(command: &clap::Command, name: &str) -> Vec<String> {
        let below = command.get_subcommands().filter(|below| !below.is_hide_set());
        let below = below.flat_map(|below| commands(below, &format!("{name}-{}", below.get_name())));
        std::iter::once(name.to_owned()).chain(below).collect()
    }

    fn files(folder: PathBuf) -> Vec<String> {
        let files = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn each_command_has_a_manual_page_and_each_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let mut expected: Vec<_> = commands(&Cli::command(), "usher");
        expected.iter_mut().for_each(|name| name.push_str(".1"));
        expected.sort();
        assert!(expected.contains(&"usher-seats-set.1".to_owned()), "{expected:?}");
        assert_eq!(files(folder.path().join("man")), expected);
        let page = fs::read_to_string(folder.path().join("man/usher-seats-set.1")).unwrap();
        assert!(page.contains("LICENSE=SEATS"), "{page}");
        assert_eq!(files(folder.path().join("completions")), ["_usher", "usher.bash", "usher.fish"]);
        let parsed =
            Command::new("bash").arg("-n").arg(folder.path().join("completions/usher.bash")).status();
        assert!(parsed.unwrap().success());
    }
}
