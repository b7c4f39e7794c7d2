#!/usr/bin/env bash
# Installs what building and testing Usher needs and this machine lacks. Asks for nothing that is there already, works as
# root and with sudo, and where it cannot install it names what is missing.
set -euo pipefail

say() { echo "tools: $*" >&2; }
die() { say "$*"; exit 1; }

has() { command -v "$1" >/dev/null 2>&1; }

has_postgres() {
    has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

# Debian's names of what is missing, one a line.
missing_packages() {
    has cc || printf '%s\n' gcc libc6-dev
    has make || echo make
    has python3 || echo python3
    # Debian's python3 makes no virtual environments by itself.
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    has_postgres || echo postgresql
    # Tests look into stores from outside, set the clock of a process, and limit its files.
    has sqlite3 || echo sqlite3
    has faketime || echo faketime
    has prlimit || echo util-linux
    # Tests let flushes to the disk fail.
    has strace || echo strace
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo "$@"
    else
        return 1
    fi
}

install_packages() {
    local packages
    mapfile -t packages < <(missing_packages)
    [ "${#packages[@]}" -gt 0 ] || return 0
    has apt-get || die "please install with this system's package manager: ${packages[*]}"
    say "installing ${packages[*]}"
    # A fresh machine has no package lists, or old ones.
    { as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}"; } >&2 ||
        die "cannot install; please run as an administrator: apt-get install ${packages[*]}"
}

install_cargo_tools() {
    has cargo || die "Rust is missing; see https://rustup.rs"
    cargo fmt --version >/dev/null 2>&1 || die "rustfmt is missing: rustup component add rustfmt"
    cargo clippy --version >/dev/null 2>&1 || die "clippy is missing: rustup component add clippy"
    has cargo-nextest && return 0
    say "installing cargo-nextest"
    cargo install --locked cargo-nextest >&2 || die "cannot install it; try: cargo install --locked cargo-nextest"
}

# What cargo installs must be found, whatever the shell's PATH says.
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
install_packages
install_cargo_tools
