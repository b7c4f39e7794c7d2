#!/usr/bin/env bash
# Prepares `docker compose up`: writes .env (mode, domain) and the secrets. What is there already stays, so it may be repeated; to
# change the mode or the domain, repeat it with others.
#
#   deploy/compose/prepare.sh embedded|cluster DOMAIN [--without-watch]
#
# DOMAIN is the host that all regions share; each region's own host is below it (ire.DOMAIN). `scim.localhost` needs no DNS and gets
# a certificate of Caddy's own authority; a public name that leads here gets one from Let's Encrypt.
set -euo pipefail
cd "$(dirname "$0")/../.."

die() { echo "prepare: $*" >&2; exit 1; }
usage() { die "usage: $0 embedded|cluster DOMAIN [--without-watch]"; }

secrets=deploy/compose/secrets

# 40 characters of an alphabet that needs no escapes in a URL: 238 random bits.
random() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 40 || [ $? = 141 ]; }

# Writes standard input to a secret that is not there yet. The containers' users are others than the owner of the file, so the
# directory and not the file keeps this machine's other users out.
secret() {
    [ ! -e "$secrets/$1" ] || { cat >/dev/null; return 0; }
    cat >"$secrets/$1"
    chmod 0444 "$secrets/$1"
}

[ $# -ge 2 ] || usage
mode=$1 domain=$2 watch=,watch
case ${3:-} in
'') ;;
--without-watch) watch= ;;
*) usage ;;
esac
case $mode in
embedded) upstreams=usher:8080 gateways=one ;;
cluster) upstreams='usher-a:8080 usher-b:8080' gateways=several ;;
*) usage ;;
esac
[[ $domain =~ ^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$ ]] || die "$domain is not a host name in small letters"

mkdir -p "$secrets"
chmod 0700 "$secrets"
printf 'ush_admin_%s' "$(random)" | secret admin_token
random | secret signing_secret
random | secret postgres_password
random | secret database_password
printf 'postgres://usher:%s@postgres/usher' "$(cat "$secrets/database_password")" | secret database_url
# Redis keeps nothing on disk: what it knows is counted again.
printf 'bind * -::*\nsave ""\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy allkeys-lru\nrequirepass %s\n' "$(random)" |
    secret redis_config
printf 'redis://:%s@redis:6379' "$(sed -n 's/^requirepass //p' "$secrets/redis_config")" | secret redis_url
random | secret grafana_password

{
    echo "# Made by deploy/compose/prepare.sh; no secrets."
    echo "COMPOSE_PROFILES=$mode$watch"
    echo "USHER_DOMAIN=$domain"
    echo "USHER_UPSTREAMS='$upstreams'"
    echo "USHER_GATEWAYS=$gateways"
} >.env
echo "prepare: .env and $secrets are ready; go on with: docker compose up --detach --build --wait"
