#!/usr/bin/env bash
# `make bare`: README's two commands on a bare Debian, so that nothing of this machine helps them unseen. The system is
# debootstrap's smallest, with this machine's Rust, a C compiler and make, and nothing else; it stands in .tools/bare.
#
#   deploy/bare.sh                  make the system, then run `make demo` and `make test` in it
#   deploy/bare.sh system           make the system, with the sources of HEAD
#   deploy/bare.sh sources          put the sources of HEAD there again, and keep what was built
#   deploy/bare.sh run COMMAND …    run a command in its copy of the sources, as root
#
# Needs root, debootstrap, and the network for packages. BARE_DIR names another directory, BARE_SUITE another release than
# bookworm, BARE_MIRROR another source of packages.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$(realpath -m "${BARE_DIR:-.tools/bare}")
# What the README asks for beside Rust, and the certificates without which nobody has got Rust.
needed=(gcc libc6-dev make ca-certificates)

die() { echo "bare: $*" >&2; exit 1; }

check() {
    [ "$(id -u)" = 0 ] || die "needs root, for chroot"
    command -v debootstrap >/dev/null || die "needs debootstrap; on Debian: apt-get install debootstrap"
    rust=$(rustc --print sysroot)
    [ "$rust" != /usr ] || die "needs a Rust of rustup's: the one of the distribution cannot be lent alone"
}

# Runs a command in the system. Its mounts and its processes end with it.
inside() {
    export root rust
    export -f enter
    unshare --mount --pid --fork --kill-child -- bash -c 'enter "$@"' bash "$@"
}

enter() {
    set -eu
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -o bind,ro "$rust" "$root/usr/local/rust"
    # This machine's name servers and certificates are how it reaches the registries.
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    [ ! -d "$root/etc/ssl/certs" ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    exec chroot "$root" /usr/bin/env -i HOME=/root TERM="${TERM:-dumb}" \
        PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        DEMO_EXIT="${DEMO_EXIT:-}" CARGO_BUILD_JOBS="${CARGO_BUILD_JOBS:-default}" "$@"
}

make_system() {
    # Only what this script has made is removed, and nothing that is mounted there.
    [ ! -e "$root" ] || [ -d "$root/usr/local/rust" ] || die "$root is there, and no system of this script's"
    ! grep -q " $root/" /proc/mounts || die "something is mounted below $root"
    rm -rf "$root"
    mkdir -p "$root/usr/local/rust"
    debootstrap --variant=minbase "${BARE_SUITE:-bookworm}" "$root" ${BARE_MIRROR:+"$BARE_MIRROR"}
    mkdir -p "$root/dev/shm" "$root/work"
    inside apt-get update -qq
    inside env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${needed[@]}"
}

# What was built and fetched there stays.
copy_sources() {
    find "$root/work" -mindepth 1 -maxdepth 1 ! -name target ! -name .tools -exec rm -rf {} +
    git archive HEAD | tar -x -C "$root/work"
}

run() { inside sh -c 'cd /work && exec "$@"' sh "$@"; }

check
case ${1:-} in
'')
    make_system
    copy_sources
    DEMO_EXIT=1 run make demo
    run make test
    ;;
system) make_system && copy_sources ;;
sources) copy_sources ;;
run) shift && run "$@" ;;
*) die "usage: $0 [system | sources | run COMMAND …]" ;;
esac
