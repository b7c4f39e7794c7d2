#!/usr/bin/env bash
# Shows that deploy/check.sh finds what it is there for: each line below breaks one thing in a copy of the files, and the named check
# must fail and say so. A check that passes everything would otherwise look like a good one.
#
#   deploy/check-selftest.sh
set -euo pipefail
cd "$(dirname "$0")/.."

USHER_DEPLOY_TOOLS=$(realpath "${USHER_DEPLOY_TOOLS:-target/deploy-tools}")
export USHER_DEPLOY_TOOLS
[ -x "$USHER_DEPLOY_TOOLS/bin/python" ] || { echo "check-selftest: run deploy/check.sh first" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tried=0 missed=0

# finds CHECK FILE SED WORDS: after this edit of the file the check fails with these words.
finds() {
    local check=$1 file=$2 edit=$3 words=$4 copy=$scratch/copy said
    rm -rf "$copy"
    mkdir -p "$copy/crates/gateway/src/settings"
    cp -r .ci deploy docker-compose.yml "$copy"
    cp crates/gateway/src/settings/default.toml "$copy/crates/gateway/src/settings"
    sed -i --follow-symlinks -E "$edit" "$copy/$file"
    tried=$((tried + 1))
    if cmp --quiet "$file" "$copy/$file"; then
        echo "check-selftest: $file has nothing left that $edit changes" >&2
        missed=$((missed + 1))
    elif said=$("$copy/deploy/check.sh" "$check" 2>&1); then
        echo "check-selftest: $check passes $file after $edit" >&2
        missed=$((missed + 1))
    elif [[ $said != *"$words"* ]]; then
        printf 'check-selftest: %s fails after %s without the words: %s\n%s\n' "$check" "$edit" "$words" "$said" >&2
        missed=$((missed + 1))
    fi
}

compose=docker-compose.yml
finds compose $compose 's/^    stop_grace_period: 60s/    stop_grace: 60s/' "stop_grace"
finds compose $compose 's/postgres: \{condition: service_healthy\}/postgre: {condition: service_healthy}/' 'undefined service'
finds compose $compose '/^  postgres:/,/profiles:/s/\[cluster\]/[watch]/' 'undefined service'
finds compose $compose 's/^  read_only: true$/  read_only: false/' 'its root is not read-only'
finds compose $compose 's/"127.0.0.1:9090:9090"/"9090:9090"/' 'port 9090 is published on'
finds compose $compose 's/prom\/prometheus:v[0-9.]+/prom\/prometheus/' 'has no tag of a version'
finds compose $compose 's/USHER__REGIONS__IRE__BASE_URL/USHER__REGIONS__IRE__BASEURL/' 'regions.ire.baseurl is no setting'
finds caddy deploy/caddy/Caddyfile 's/health_uri/health_url/' 'health_url'
finds caddy deploy/caddy/Caddyfile 's/^\tadmin off/        admin off/' 'is not formatted'
finds container deploy/container/Dockerfile 's/cc-debian12:nonroot/cc-debian12/' 'DL3006'
finds container deploy/container/Dockerfile 's/^ENTRYPOINT .*/ENTRYPOINT usher/' 'DL3025'
finds prometheus deploy/prometheus/prometheus.yml 's/scrape_interval: 60s/scrape_interval: 60/' 'not a valid duration'
finds prometheus deploy/compose/prometheus.yml 's/rule_files/rules_files/' 'field rules_files not found'
finds prometheus deploy/prometheus/rules.yml 's/rate\(usher_http/rat(usher_http/' 'unknown function'
finds prometheus deploy/grafana/provisioning/datasources/usher.yml 's/access: proxy/acces: proxy/' "'access' is a required property"
finds chart deploy/helm/usher/templates/deployment.yaml 's/maxUnavailable/maxUnavailible/' 'maxUnavailible'
finds chart deploy/helm/usher/templates/_pod.tpl 's/readOnlyRootFilesystem: true/readOnlyRootFilesystem: false/' 'is not locked down'
finds chart deploy/helm/usher/templates/_pod.tpl 's/port: health/port: healthy/' 'is probed at'
finds chart deploy/helm/usher/templates/_settings.tpl 's/^token_file/token_path/' 'admin.token_path is no setting'
finds chart deploy/helm/usher/templates/network.yaml 's/toYaml \$rule/toYml $rule/' '"toYml" not defined'
finds chart deploy/helm/usher/values.yaml 's/^replicas: 2/replica: 2/' 'replica'
finds chart deploy/helm/usher/values.schema.json 's/"existingSecret": \{"minLength": 1\},//' 'lets'
finds chart deploy/prometheus/rules.yml 's/^( *)- alert: UsherRedisDown/\1- alarm: UsherRedisDown/' 'its rules are wrong'
finds kustomize deploy/kustomize/kustomization.yaml 's/containers.0/containers\/7/' 'containers/7'
finds systemd deploy/systemd/usher.service 's/^WatchdogSec=/WatchDogSec=/' "'WatchDogSec'"
finds systemd deploy/systemd/usher.socket 's/^ListenStream=127.0.0.1:8080/ListenStream=127.0.0.1:808080/' '808080'
finds systemd deploy/systemd/usher.service '/^(ProtectSystem|SystemCallFilter|CapabilityBoundingSet)=/d' 'scores more than 2.0'
finds settings deploy/systemd/usher.toml 's/^public_url/public_uri/' 'server.public_uri is no setting'
finds settings deploy/compose/cluster.toml 's/^listen = "0.0.0.0:8080"/listen = 0.0.0.0:8080/' 'cluster.toml'
finds shell deploy/compose/prepare.sh 's/"\$secrets"$/$secret/' 'SC2154'

[ $missed = 0 ] || { echo "check-selftest: $missed of $tried faults were missed" >&2; exit 1; }
echo "check-selftest: each of $tried faults was found"
