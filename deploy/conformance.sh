#!/usr/bin/env bash
# `make conformance`: runs the suites that others wrote against the built gateway. They are installed from PyPI into a virtual
# environment below .tools/, at the versions and hashes of requirements.txt, and again only when that file changes.
#
#   deploy/conformance.sh [--only SUITE] [--binary FILE] …   what crates/gateway/tests/conformance/run.py takes
#   deploy/conformance.sh install                            only install them
#   deploy/conformance.sh pins                               write requirements.txt anew from requirements.in
set -euo pipefail
cd "$(dirname "$0")/.."

suites=crates/gateway/tests/conformance
environment=.tools/conformance
pip=(-m pip --disable-pip-version-check)
# What is built on the spot fetches tools to build it with, at whatever version is there today.
wheels=(--only-binary :all:)
export PYTHONDONTWRITEBYTECODE=1

say() { echo "conformance: $*" >&2; }
die() { say "$*"; exit 1; }

make_environment() {
    local wanted
    wanted="$(python3 --version) $(sha256sum "$suites/requirements.txt" | cut -d' ' -f1)"
    [ "$(cat "$environment/made-for" 2>/dev/null)" != "$wanted" ] || return 0
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed; this is $(python3 --version)"
    say "installing the suites"
    rm -rf "$environment"
    python3 -m venv "$environment" || die "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv"
    install_pins || die "the suites cannot be installed from PyPI as $suites/requirements.txt pins them"
    pins_are_complete || die "$suites/requirements.txt is not complete for this Python: make conformance-pins"
    echo "$wanted" >"$environment/made-for"
}

# Installs each pin as it stands and asks for nothing else: what a package wants (pydantic[email]) is not looked up, so a newer
# release of it changes nothing.
install_pins() {
    "$environment/bin/python" "${pip[@]}" install --quiet --no-deps --require-hashes "${wheels[@]}" \
        --requirement "$suites/requirements.txt" >&2
}

# Whether what is wanted, with all that it stands on, extras too, is there without asking anyone.
pins_are_complete() {
    "$environment/bin/python" "${pip[@]}" --isolated install --quiet --no-index --dry-run \
        --requirement "$suites/requirements.in" >&2
}

write_pins() {
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    python3 -m venv "$tools"
    "$tools/bin/python" "${pip[@]}" install --quiet "${wheels[@]}" pip-tools==7.6.2
    # Without the extras' names: each of their packages has a pin of its own.
    (cd "$suites" && "$tools/bin/pip-compile" --quiet --generate-hashes --strip-extras --no-header --allow-unsafe \
        --pip-args "${wheels[*]}" --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
        --output-file requirements.txt requirements.in)
}

case ${1:-} in
pins) write_pins ;;
install) make_environment ;;
*)
    make_environment
    "$environment/bin/python" -m unittest discover --quiet --start-directory "$suites"
    exec "$environment/bin/python" "$suites/run.py" "$@"
    ;;
esac
