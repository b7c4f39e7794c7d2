#!/usr/bin/env bash
# Installs what Usher needs and this machine lacks. Asks for nothing that is there already, works as root and with sudo, and
# where it cannot install it names what is missing.
#
#   deploy/install-tools.sh         what the tests need
#   deploy/install-tools.sh build   only what the program is compiled with: for `make demo` and `make run`
#   deploy/install-tools.sh release what `make release` needs
#
# Of Debian's packages any version will do that a supported Debian has (12 and newer): a release of Debian keeps its versions.
# What comes from crates.io and PyPI is taken at a version that stands here, or in conformance.sh's list of pins.
set -euo pipefail
cd "$(dirname "$0")/.."

# Any installed one will do: the tests ask for `cargo nextest run --workspace` and configure nothing.
nextest=0.9.143
# These two write what a release says of itself, so they are taken at this version.
auditable=0.7.7
cyclonedx=0.5.9

say() { echo "tools: $*" >&2; }
die() { say "$*"; exit 1; }

has() { command -v "$1" >/dev/null 2>&1; }

# A compiler without the C library's headers is a common half of one.
has_c() { has cc && echo '#include <stdio.h>' | cc -xc -fsyntax-only - 2>/dev/null; }

# What the program itself is linked with. pkg-config says where it is, as the build asks it.
has_openssl() { has pkg-config && pkg-config --exists openssl; }

# Debian has it where only root's shell looks.
has_pgbouncer() { has pgbouncer || [ -x /usr/sbin/pgbouncer ]; }

has_postgres() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

has_redis() { has redis-server || has valkey-server; }

# Debian's python3 makes no virtual environments by itself.
has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

# Debian's names of what is missing, each with its reason.
missing_for_build() {
    has_c || echo gcc libc6-dev     # SQLite, PostgreSQL's client and the allocator are C
    has_openssl || echo libssl-dev pkg-config # TLS to PostgreSQL
    has make || echo make           # every command of the project is one of its targets
}

missing_for_tests() {
    has python3 || echo python3     # the SCIM suites that others wrote
    has_venv || echo python3-venv   # the same, kept apart from this machine's Python
    has_postgres || echo postgresql # the store's second database
    has pgbench || echo postgresql  # the raw figures beside which `make bench` holds ours
    has_pgbouncer || echo pgbouncer # a pooler before it
    has_redis || echo redis-server  # what processes share
    has sqlite3 || echo sqlite3     # tests look into stores and lock them from outside
    has promtool || echo prometheus # it reads rules and queries, and tries each alert
    has prometheus || echo prometheus # tests let its alerts fire; where systemd runs, Debian starts it on port 9090
    has node || echo nodejs         # runs the compiler that holds dashboards to Grafana's types
    has npm || echo npm             # fetches both, at the versions of a lock
    has strace || echo strace       # tests let flushes to the disk fail
    has systemd-analyze || echo systemd # it judges the units; nothing of it is started
    has prlimit || echo util-linux  # tests limit what the gateway may write; deploy/test-services.sh asks for runuser
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

# Installs the packages that are named, if any.
install_packages() {
    local packages=("$@")
    [ "${#packages[@]}" -gt 0 ] || return 0
    has apt-get || die "please install with this system's package manager: ${packages[*]}"
    say "installing ${packages[*]}"
    # A fresh machine has no package lists, or old ones.
    { as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}"; } >&2 ||
        die "cannot install; please run as an administrator: apt-get update; apt-get install ${packages[*]}"
}

check_rust() {
    has cargo || die "Rust is missing; see https://rustup.rs"
    local oldest version
    oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    version=$(rustc --version | cut -d' ' -f2)
    printf '%s\n' "$oldest" "$version" | sort --check=quiet --version-sort ||
        die "Rust $oldest or newer is needed, and this is $version: rustup update stable"
}

install_cargo_tools() {
    has cargo-nextest && return 0
    say "installing cargo-nextest"
    cargo install --locked "cargo-nextest@$nextest" >&2 ||
        die "cannot install it; try: cargo install --locked cargo-nextest@$nextest"
}

install_release_tools() {
    has_version cargo-auditable "$auditable" || cargo install --locked "cargo-auditable@$auditable" >&2
    has_version cargo-cyclonedx "$cyclonedx" || cargo install --locked "cargo-cyclonedx@$cyclonedx" >&2
}

# Whether cargo has installed this version of a program, by cargo's own list.
has_version() { grep -q "^\"$1 $2 " "${CARGO_HOME:-$HOME/.cargo}/.crates.toml" 2>/dev/null; }

# What cargo installs must be found, whatever the shell's PATH says.
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
check_rust
case "${1:-tests}" in
    build)
        mapfile -t missing < <(missing_for_build | tr ' ' '\n')
        install_packages "${missing[@]}"
        ;;
    tests)
        mapfile -t missing < <({ missing_for_build; missing_for_tests; } | tr ' ' '\n')
        install_packages "${missing[@]}"
        install_cargo_tools
        ;;
    release)
        mapfile -t missing < <({ missing_for_build; has objcopy || echo binutils; } | tr ' ' '\n')
        install_packages "${missing[@]}"
        install_release_tools
        ;;
    *) die "it takes build, tests, release or nothing, not $1" ;;
esac
