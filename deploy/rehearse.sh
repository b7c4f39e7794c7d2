#!/usr/bin/env bash
# `make rehearse`: what docs/deploy.md promises, on this machine and without systemd or an engine: the files of deploy/ as they are, with
# their ports, in a network of their own that nothing else is in. It needs root, for that network, and a built gateway.
#
#   deploy/rehearse.sh [BINARY]     target/debug/usher, or that one
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(realpath "${1:-target/debug/usher}")
[ "$(id -u)" = 0 ] || { echo "rehearse: needs root, for a network of its own" >&2; exit 1; }
[ -x "$binary" ] || { echo "rehearse: $binary is missing: cargo build --bin usher" >&2; exit 1; }
deploy/python-environment.sh make deploy/checks target/deploy-tools
export PYTHONDONTWRITEBYTECODE=1
# What it starts ends with it, however it ends.
exec unshare --net --pid --fork --kill-child --mount-proc -- target/deploy-tools/bin/python deploy/checks/rehearse.py "$binary"
