#!/usr/bin/env bash
# Virtual environments of packages from PyPI, at the versions and hashes of a requirements.txt, made again only when that file or
# this machine's Python changes.
#
#   deploy/python-environment.sh make FOLDER ENVIRONMENT   what FOLDER/requirements.txt names
#   deploy/python-environment.sh pins FOLDER               write FOLDER/requirements.txt anew from FOLDER/requirements.in
set -euo pipefail

[ $# -ge 2 ] || { echo "usage: $0 make FOLDER ENVIRONMENT | pins FOLDER" >&2; exit 1; }
folder=$2
pip=(-m pip --disable-pip-version-check)
# What is built on the spot fetches tools to build it with, at whatever version is there today.
wheels=(--only-binary :all:)

say() { echo "python: $*" >&2; }
die() { say "$*"; exit 1; }

make_environment() {
    local environment=$1 wanted
    wanted="$(python3 --version) $(sha256sum "$folder/requirements.txt" | cut -d' ' -f1)"
    [ "$(cat "$environment/made-for" 2>/dev/null)" != "$wanted" ] || return 0
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed; this is $(python3 --version)"
    say "installing what $folder/requirements.txt names"
    rm -rf "$environment"
    python3 -m venv "$environment" || die "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv"
    install_pins "$environment" || die "PyPI does not have them as $folder/requirements.txt pins them"
    pins_are_complete "$environment" ||
        die "$folder/requirements.txt is not complete for this Python: deploy/python-environment.sh pins $folder"
    echo "$wanted" >"$environment/made-for"
}

# Installs each pin as it stands and asks for nothing else: what a package wants (pydantic[email]) is not looked up, so a newer
# release of it changes nothing.
install_pins() {
    "$1/bin/python" "${pip[@]}" install --quiet --no-deps --require-hashes "${wheels[@]}" \
        --requirement "$folder/requirements.txt" >&2
}

# Whether what is wanted, with all that it stands on, extras too, is there without asking anyone.
pins_are_complete() {
    "$1/bin/python" "${pip[@]}" --isolated install --quiet --no-index --dry-run --requirement "$folder/requirements.in" >&2
}

write_pins() {
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    python3 -m venv "$tools"
    "$tools/bin/python" "${pip[@]}" install --quiet "${wheels[@]}" pip-tools==7.6.2
    # Without the extras' names: each of their packages has a pin of its own.
    (cd "$folder" && "$tools/bin/pip-compile" --quiet --generate-hashes --strip-extras --no-header --allow-unsafe \
        --pip-args "${wheels[*]}" --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
        --output-file requirements.txt requirements.in)
}

case $1 in
make) make_environment "${3:?an environment is missing}" ;;
pins) write_pins ;;
*) die "it takes make or pins, not $1" ;;
esac
