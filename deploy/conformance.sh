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
export PYTHONDONTWRITEBYTECODE=1

case ${1:-} in
pins) deploy/python-environment.sh pins "$suites" ;;
install) deploy/python-environment.sh make "$suites" "$environment" ;;
*)
    deploy/python-environment.sh make "$suites" "$environment"
    "$environment/bin/python" -m unittest discover --quiet --start-directory "$suites"
    exec "$environment/bin/python" "$suites/run.py" "$@"
    ;;
esac
