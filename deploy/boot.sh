#!/usr/bin/env bash
# `make boot`: the systemd way of docs/deploy.md on a Debian 12 that boots with a real systemd, in a container of systemd's own
# (systemd-nspawn) without a network. The page's lines are run as they stand there; then restarts under load, a process that is killed and
# one that hangs are tried.
#
#   deploy/boot.sh ARCHIVE     a release of deploy/release.sh
#
# Needs root, debootstrap, systemd-container, and the network for Debian's packages at the first run. The system stays in .tools/boot.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "boot: $*" >&2; exit 1; }

[ $# = 1 ] && [ -f "$1" ] || die "usage: $0 ARCHIVE"
[ "$(id -u)" = 0 ] || die "needs root, for a container"
for program in debootstrap systemd-nspawn; do
    command -v "$program" >/dev/null || die "$program is missing; on Debian: apt-get install debootstrap systemd-container"
done
archive=$(realpath "$1")
root=$(realpath -m .tools/boot)
deploy/python-environment.sh make deploy/checks target/deploy-tools

# A Debian as its installer leaves it, as far as this needs it; what the page's first line installs is there already, because the container
# has no network.
if [ ! -e "$root/made" ]; then
    rm -rf "$root"
    debootstrap --variant=minbase --include=ca-certificates,caddy,curl,dbus,iproute2,libssl3,man-db,procps,prometheus,systemd \
        bookworm "$root" ${BARE_MIRROR:+"$BARE_MIRROR"} >/dev/null || die "debootstrap failed: $root/debootstrap/debootstrap.log"
    touch "$root/made"
fi
# Each run begins with a fresh copy.
scratch=$(mktemp -d)
container=
finish() {
    [ -z "$container" ] || { kill "$container" 2>/dev/null; wait "$container" 2>/dev/null; } || true
    rm -rf "$scratch"
}
trap finish EXIT
cp -a "$root" "$scratch/system"
cp "$archive" "$scratch/system/root"

systemd-nspawn --quiet --directory="$scratch/system" --register=no --keep-unit --private-network --boot --console=pipe >"$scratch/console" 2>&1 &
container=$!
for _ in $(seq 300); do
    leader=$(pgrep -P "$container" || true)
    if [ -n "$leader" ] && nsenter -t "$leader" -m -p systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then break; fi
    kill -0 "$container" 2>/dev/null || { cat "$scratch/console"; die "the container does not boot"; }
    sleep 0.1
done
PYTHONDONTWRITEBYTECODE=1 target/deploy-tools/bin/python deploy/checks/boot.py "$leader" "$scratch/system" "$(basename "$archive")"
