#!/usr/bin/env bash
# `make conformance`: runs the suites that others wrote against the built gateway. They are installed from PyPI into a virtual
# environment below .tools/, at the versions and hashes of requirements.txt, and again only when that file changes.
#
#   deploy/conformance.sh [--only SUITE] [--binary FILE] …   what crates/gateway/tests/conformance/run.py takes
#   deploy/conformance.sh pins                               write requirements.txt anew from requirements.in
set -euo pipefail
cd "$(dirname "$0")/.."

suites=crates/gateway/tests/conformance
environment=.tools/conformance
export PYTHONDONTWRITEBYTECODE=1

say() { echo "conformance: $*" >&2; }
die() { say "$*"; exit 1; }

make_environment() {
    local wanted
    wanted="$(python3 --version) $(sha256sum "$1" | cut -d' ' -f1)"
    [ "$(cat "$environment/made-for" 2>/dev/null)" != "$wanted" ] || return 0
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed; this is $(python3 --version)"
    say "installing the suites"
    rm -rf "$environment"
    python3 -m venv "$environment" || die "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$1" >&2 ||
        die "the suites cannot be installed from PyPI"
    echo "$wanted" >"$environment/made-for"
}

write_pins() {
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check pip-tools
    (cd "$suites" && "$tools/bin/pip-compile" --quiet --generate-hashes --strip-extras --no-header --allow-unsafe \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.txt requirements.in)
}

if [ "${1:-}" = pins ]; then
    write_pins
else
    make_environment "$suites/requirements.txt"
    "$environment/bin/python" -m unittest discover --quiet --start-directory "$suites"
    exec "$environment/bin/python" "$suites/run.py" "$@"
fi
