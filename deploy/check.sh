#!/usr/bin/env bash
# `make deploy-check`: everything below deploy/ and the compose file, each by the program that will read it or by its published schema,
# without an engine, a cluster or a systemd that runs. The programs are those of checks/requirements.txt, and Debian's
# (deploy/install-tools.sh).
#
#   deploy/check.sh [CHECK …]   those checks, or all: compose caddy container prometheus chart kustomize systemd settings shell
#
# USHER_DEPLOY_TOOLS names an environment with the programs that exists already.
set -euo pipefail
cd "$(dirname "$0")/.."

all=(compose caddy container prometheus chart kustomize systemd settings shell)
tools=${USHER_DEPLOY_TOOLS:-target/deploy-tools}
export PYTHONDONTWRITEBYTECODE=1

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Compose itself resolves names, anchors, variables and profiles; the schema finds the keys that it would ignore.
check_compose() {
    "$tools/bin/check-jsonschema" --builtin-schema vendor.compose-spec docker-compose.yml >"$scratch/schema" 2>&1 ||
        { cat "$scratch/schema"; return 1; }
    local profiles
    for profiles in embedded cluster embedded,watch cluster,watch; do
        COMPOSE_PROFILES=$profiles USHER_DOMAIN=scim.localhost USHER_UPSTREAMS=usher:8080 USHER_GATEWAYS=one \
            "$tools/bin/docker-compose" --env-file /dev/null --file docker-compose.yml config --format json >"$scratch/compose.json"
        "$tools/bin/python" deploy/checks/compose.py "$scratch/compose.json"
    done
}

check_caddy() {
    local gateways upstreams=usher:8080
    for gateways in one several; do
        # Caddy tells of success at length, too.
        USHER_DOMAIN=scim.localhost USHER_UPSTREAMS=$upstreams USHER_GATEWAYS=$gateways HOME=$scratch \
            "$tools/bin/caddy" validate --config deploy/caddy/Caddyfile --adapter caddyfile >"$scratch/caddy" 2>&1 ||
            { cat "$scratch/caddy"; return 1; }
        upstreams='usher-a:8080 usher-b:8080'
    done
    "$tools/bin/caddy" fmt --diff deploy/caddy/Caddyfile >"$scratch/caddy" ||
        { cat "$scratch/caddy"; echo "deploy/caddy/Caddyfile is not formatted: caddy fmt --overwrite"; return 1; }
}

check_container() { "$tools/bin/hadolint" --failure-threshold style deploy/container/Dockerfile; }

# `check config` reads the rules that the file names, which lie beside it on a machine and in another folder here.
check_prometheus() {
    local folder
    for folder in prometheus compose; do
        mkdir -p "$scratch/$folder"
        cp "deploy/$folder/prometheus.yml" deploy/prometheus/rules.yml "$scratch/$folder"
        promtool check config "$scratch/$folder/prometheus.yml" >"$scratch/promtool" 2>&1 || { cat "$scratch/promtool"; return 1; }
    done
    "$tools/bin/python" deploy/checks/grafana.py deploy/grafana/provisioning
}

# The rules are a link in the chart, and Helm tells of each link that it follows.
copy_chart() { cp -rL deploy/helm/usher "$scratch"; }

check_chart() { copy_chart && "$tools/bin/python" deploy/checks/chart.py "$scratch/usher"; }

# The way of a house that patches with kustomize what the chart renders.
check_kustomize() {
    cp -r deploy/kustomize "$scratch/kustomize"
    copy_chart
    "$tools/bin/python" deploy/checks/chart.py --render "$scratch/usher/ci/embedded.yaml" "$scratch/usher" >"$scratch/kustomize/usher.yaml"
    "$tools/bin/kubectl" kustomize "$scratch/kustomize" >"$scratch/kustomized.yaml"
    "$tools/bin/python" deploy/checks/chart.py --validate "$scratch/kustomized.yaml"
}

# The units with a program that exists here; what it finds, it prints, and exits with 0.
check_systemd() {
    local variant said
    for variant in embedded cluster; do
        mkdir -p "$scratch/$variant"
        sed -e 's|^ExecStart=/usr/local/bin/usher |ExecStart=/bin/true |' -e '/^Documentation=man:/d' deploy/systemd/usher.service \
            >"$scratch/$variant/usher.service"
        cp deploy/systemd/usher.socket "$scratch/$variant"
        [ "$variant" = embedded ] || cp -r deploy/systemd/usher.service.d "$scratch/$variant"
        said=$(systemd-analyze verify "$scratch/$variant/usher.service" "$scratch/$variant/usher.socket" 2>&1) || { echo "$said"; return 1; }
        [ -z "$said" ] || { echo "$said"; return 1; }
    done
    systemd-analyze security --offline=true --threshold=20 "$scratch/cluster/usher.service" >"$scratch/score" ||
        { grep -E '✗|→' "$scratch/score"; echo "the sandbox of usher.service scores more than 2.0"; return 1; }
}

# Each settings file names keys that the gateway has.
check_settings() {
    "$tools/bin/python" deploy/checks/settings.py deploy/container/usher.toml deploy/compose/cluster.toml deploy/systemd/usher.toml deploy/systemd/cluster.toml
}

check_shell() {
    local scripts
    mapfile -t scripts < <(find deploy .ci -type f -exec grep -lE '^#!.*(bash|sh)$' {} +)
    "$tools/bin/shellcheck" --severity=warning "${scripts[@]}"
}

if [ $# = 0 ]; then set -- "${all[@]}"; fi
for check in "$@"; do
    [[ " ${all[*]} " = *" $check "* ]] || { echo "check: there is no check $check; there are ${all[*]}" >&2; exit 1; }
done
for program in python3 promtool systemd-analyze; do
    command -v "$program" >/dev/null || { echo "check: $program is missing: make tools" >&2; exit 1; }
done
[ -n "${USHER_DEPLOY_TOOLS:-}" ] || deploy/python-environment.sh make deploy/checks "$tools"

# Every failure in one run. A shell that exits at the first error does so only outside of a condition, so each check is a shell of its own.
failed=()
for check in "$@"; do
    begun=$EPOCHREALTIME code=0
    set +e
    (set -e; "check_$check") >"$scratch/said" 2>&1
    code=$?
    set -e
    took=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    if [ $code = 0 ]; then
        echo "deploy-check: $check: good ($took s)"
        cat "$scratch/said"
    else
        echo "deploy-check: $check: FAILED"
        cat "$scratch/said"
        failed+=("$check")
    fi
done
[ ${#failed[@]} = 0 ] || { echo "deploy-check: failed: ${failed[*]}" >&2; exit 1; }
