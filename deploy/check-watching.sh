#!/usr/bin/env bash
# Checks what Prometheus and Grafana are given, without a Grafana: nobody has one where the tests run. The Rust test `watching` of testkit checks
# the rest: ids, the grid, the names of metrics, the links to the runbook.
#
#   deploy/check-watching.sh              every check on the files of the repository
#   deploy/check-watching.sh self-test    each check on a copy that is broken in one place, which it must find
#   deploy/check-watching.sh one CHECK FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
self=$PWD/deploy/check-watching.sh

die() { echo "check-watching: $*" >&2; exit 1; }

work=${CARGO_TARGET_DIR:-target}/watching
mkdir -p "$work"
work=$(realpath "$work")

# Each check takes the folder `deploy` that it looks at.
rules_are_well_formed() { promtool check config "$1/prometheus/prometheus.yml"; }

rules_do_as_their_tests_say() { (cd "$1/prometheus" && promtool test rules rules_test.yml); }

dashboards_are_what_their_sources_make() { "$1/grafana/make-dashboards" --check; }

expressions_are_promql() {
    "$1/grafana/expressions-as-rules" "$1/grafana/dashboards" >"$work/expressions.yml"
    promtool check rules "$work/expressions.yml"
}

# Grafana's types and the compiler, at the versions of the lock, once for each lock.
install_types() {
    local lock=deploy/grafana/types/package-lock.json
    cmp -s "$lock" "$work/installed-lock.json" && return 0
    cp deploy/grafana/types/{package.json,package-lock.json,.npmrc} "$work/"
    npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error
    cp "$lock" "$work/installed-lock.json"
}

dashboards_are_of_grafanas_types() {
    install_types
    cp "$1/grafana/types/"{dashboard.ts,tsconfig.json} "$work/"
    local file
    for file in "$1"/grafana/dashboards/*.json; do
        { echo "import type { File } from './dashboard';"; echo "export const file: File ="; cat "$file"; echo ";"; } \
            >"$work/$(basename "$file" .json).ts"
    done
    (cd "$work" && node node_modules/typescript/bin/tsc -p .)
}

checks=(rules_are_well_formed rules_do_as_their_tests_say dashboards_are_what_their_sources_make expressions_are_promql
    dashboards_are_of_grafanas_types)

# Breaks a copy: CHECK must then fail and say WORDS.
finds() {
    local check=$1 words=$2 file=$3 edit=$4 said
    local copy=$work/broken
    rm -rf "$copy"
    mkdir "$copy"
    cp -r deploy/prometheus deploy/grafana deploy/drawing "$copy/"
    # One alert's tests are enough to find its fault, and quick.
    sed -i "/name: 'UsherProcessDown/,\$d" "$copy/prometheus/rules_test.yml"
    sed -i "$edit" "$copy/$file"
    ! cmp -s "deploy/$file" "$copy/$file" || die "self-test: $edit changes nothing in $file"
    if said=$("$self" one "$check" "$copy" 2>&1); then die "self-test: $check does not find $edit in $file"; fi
    [[ $said == *"$words"* ]] || die "self-test: $check fails for another reason: $said"
    rm -rf "$copy"
}

self_test() {
    local fleet=grafana/dashboards/fleet.json
    finds rules_are_well_formed "parse error" prometheus/rules.yml 's/sum by (region) (rate(/sum by (region) ((rate(/'
    finds rules_are_well_formed "field exprs not found" prometheus/rules.yml 's/^        expr: absent/        exprs: absent/'
    finds rules_do_as_their_tests_say "FAILED" prometheus/rules.yml '0,/for: 2m/s//for: 5m/'
    finds dashboards_are_what_their_sources_make "fleet.json" $fleet 's/"title": "Alerts"/"title": "Alarms"/'
    finds expressions_are_promql "parse error" $fleet 's/sum by (code) (rate(/sum by (code) ((rate(/'
    finds dashboards_are_of_grafanas_types "lineWidht" $fleet 's/"lineWidth"/"lineWidht"/'
    finds dashboards_are_of_grafanas_types "stats" $fleet 's/"type": "stat"/"type": "stats"/'
    finds dashboards_are_of_grafanas_types "'boolean" $fleet 's/"showUnfilled": true/"showUnfilled": "yes"/'
}

case ${1:-} in
'')
    for check in "${checks[@]}"; do
        said=$("$self" one "$check" deploy 2>&1) || die "$check: $said"
        echo "check-watching: ${check//_/ }"
    done
    ;;
self-test)
    self_test
    echo "check-watching: each check finds what it is for"
    ;;
# In a process of its own: a shell that asks for a function's result goes on after a failure within it.
one) "$2" "$3" ;;
*) die "it takes self-test or nothing, not $1" ;;
esac
