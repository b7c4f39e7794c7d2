#!/usr/bin/env bash
# `make try-compose`: the compose file as it is, on an engine of its own in a network of its own, in both modes: it comes up healthy, the
# words of docs/deploy.md work, and an upgrade of the cluster under load loses no call. Of those to an only gateway few are lost.
#
#   deploy/compose/try.sh BINARY
#
# No image can be fetched, so those of others are stand-ins made of Debian's packages, with their users and folders; Grafana's is a web
# server that only shows that its files are there. Usher's own is made by the last stage of its Dockerfile. Needs root, debootstrap and
# docker.io; the stand-ins' system stays in .tools/images.
set -euo pipefail

die() { echo "try-compose: $*" >&2; exit 1; }

[ $# = 1 ] && [ -x "$1" ] || die "usage: $0 BINARY"
binary=$(realpath "$1")
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || die "needs root, for an engine of its own"
for program in dockerd docker debootstrap; do
    command -v $program >/dev/null || die "$program is missing; on Debian: apt-get install debootstrap docker.io docker-cli"
done
deploy/python-environment.sh make deploy/checks target/deploy-tools
compose=$(realpath target/deploy-tools/bin/docker-compose)
python=$(realpath target/deploy-tools/bin/python)
checks=$(realpath deploy/checks)
system=$(realpath -m .tools/images)
export PYTHONDONTWRITEBYTECODE=1 DOCKER_BUILDKIT=0

scratch=$(mktemp -d)
engine=
finish() {
    # unshare passes no signal on.
    [ -z "$engine" ] || { kill "$(pgrep -P "$engine")" && wait "$engine"; } 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT

make_system() {
    rm -rf "$system"
    debootstrap --variant=minbase --include=busybox,ca-certificates,caddy,libssl3,postgresql,prometheus,redis-server \
        bookworm "$system" ${BARE_MIRROR:+"$BARE_MIRROR"} >/dev/null || die "debootstrap failed: $system/debootstrap/debootstrap.log"
    # Users, folders and programs as the images have them.
    chroot "$system" /bin/bash -eu -c '
        userdel caddy
        usermod --uid 999 postgres && groupmod --gid 999 postgres
        for program in nc wget httpd; do ln -s /bin/busybox /usr/local/bin/$program; done
        ln -s /usr/lib/postgresql/15/bin/* /usr/local/bin/ 2>/dev/null || true
        rm -rf /var/lib/postgresql/* /var/cache/apt/archives/*.deb
        mkdir -p /prometheus /var/lib/grafana /docker-entrypoint-initdb.d
        install -d -o postgres -g postgres /var/lib/postgresql/data /run/postgresql
        chown nobody /prometheus && chown 472 /var/lib/grafana'
    cat >"$system/postgres.sh" <<'SCRIPT'
#!/bin/bash
# What PostgreSQL's image does at its first start and at each.
set -eu
export PGDATA=/var/lib/postgresql/data
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb -U postgres --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl -o '-c listen_addresses=' -w start
    for file in /docker-entrypoint-initdb.d/*.sql; do psql -v ON_ERROR_STOP=1 -U postgres -f "$file"; done
    pg_ctl -m fast -w stop
fi
exec postgres -c listen_addresses='*' "$@"
SCRIPT
    cat >"$system/grafana.sh" <<'SCRIPT'
#!/bin/bash
set -eu
test -n "$(cat "$GF_SECURITY_ADMIN_PASSWORD__FILE")"
test -s /etc/grafana/provisioning/datasources/usher.yml -a -s "$USHER_DASHBOARDS/fleet.json"
touch /var/lib/grafana/database
mkdir -p /tmp/www/api && echo ok >/tmp/www/api/health
exec httpd -f -p 3000 -h /tmp/www
SCRIPT
    chmod 0755 "$system/postgres.sh" "$system/grafana.sh"
    touch "$system/made"
}

image() { sed -n "s#^    image: \($1:.*\)\$#\1#p" docker-compose.yml; }

# import NAME CHANGE …: the stand-in's system as the image of this name that the compose file asks for.
import() {
    local name changes=()
    name=$(image "$1")
    shift
    for change in "$@"; do changes+=(-c "$change"); done
    docker import "${changes[@]}" "$scratch/system.tar" "$name" >/dev/null
}

make_images() {
    local path='ENV PATH=/usr/local/bin:/usr/bin:/bin'
    tar -C "$system" -cf "$scratch/system.tar" .
    import caddy "$path" 'ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config' 'CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]'
    import postgres "$path" 'VOLUME /var/lib/postgresql/data' 'ENTRYPOINT ["/postgres.sh"]'
    import redis "$path"
    import prom/prometheus "$path" 'USER nobody' 'VOLUME /prometheus' 'ENTRYPOINT ["prometheus"]'
    import grafana/grafana "$path" 'USER 472' 'ENTRYPOINT ["/grafana.sh"]'
    docker import "$scratch/system.tar" gcr.io/distroless/cc-debian12:nonroot >/dev/null
    rm "$scratch/system.tar"
    # The last stage of the Dockerfile, with the binary in the place where the stage before leaves it.
    install -D -m 0755 "$binary" "$scratch/context/image/usr/local/bin/usher"
    install -D -m 0644 deploy/container/usher.toml "$scratch/context/image/etc/usher/usher.toml"
    install -d -m 0700 "$scratch/context/image/owned/data"
    { printf 'FROM scratch AS build\nCOPY image /image\n'; sed -n '/^FROM gcr.io/,$p' deploy/container/Dockerfile; } >"$scratch/context/Dockerfile"
    docker build --quiet --tag "usher:$(sed -n 's/.*USHER_VERSION:-\([^}]*\)}.*/\1/p' docker-compose.yml)" "$scratch/context" >/dev/null 2>&1
}

start_engine() {
    export DOCKER_HOST=unix://$scratch/engine.sock scratch
    # Its bridges and its rules of the firewall are in a network of its own, and end with it.
    unshare --net --mount --pid --fork --kill-child --mount-proc bash -c '
        ip link set lo up
        mount -t tmpfs tmpfs /run
        exec dockerd --data-root "$scratch/engine" --exec-root /run/docker -H "$DOCKER_HOST" --pidfile /run/docker.pid' >"$scratch/log" 2>&1 &
    engine=$!
    for _ in $(seq 100); do docker version >/dev/null 2>&1 && return; sleep 0.2; done
    cat "$scratch/log"
    die "the engine does not start"
}

# play MODE SERVICE MAY_LOSE FLAG …: everything comes up, and callers find what the page promises.
play() {
    local mode=$1 service=$2 may_lose=$3
    shift 3
    echo "try-compose: == $mode =="
    deploy/compose/prepare.sh "$mode" scim.localhost
    "$compose" --progress quiet up --detach --wait || { "$compose" ps --all; "$compose" logs --tail 5; die "$mode does not come up healthy"; }
    "$compose" ps --format 'try-compose: {{.Service}}: {{.Status}}'
    usher() { "$compose" exec -T "$service" usher "$@" "${flags[@]}"; }
    local flags=("$@") token
    usher tenant create --region ire --key acme --name "Acme" --seats member=5 --contact it@acme.example >/dev/null
    token=$(usher token issue --region ire --key acme | grep -oE 'ush_ire_[A-Za-z0-9]+')
    "$compose" cp caddy:/data/caddy/pki/authorities/local/root.crt caddy-root.crt 2>/dev/null
    nsenter -t "$(pgrep -P "$engine")" -n "$python" "$checks/compose_callers.py" "$token" caddy-root.crt "$scratch/stop" "$may_lose" &
    local callers=$!
    sleep 3
    if [ "$mode" = cluster ]; then
        "$compose" --progress quiet run --rm migrate
        for gateway in usher-a usher-b; do "$compose" --progress quiet up --detach --no-deps --force-recreate --wait $gateway; done
        echo "try-compose: both gateways were replaced, one after the other"
    else
        "$compose" --progress quiet up --detach --force-recreate --wait usher
        echo "try-compose: the gateway was replaced"
        usher backup --to /data/backup >/dev/null
        echo "try-compose: a backup succeeds"
    fi
    touch "$scratch/stop"
    wait "$callers"
    rm "$scratch/stop"
    "$compose" --progress quiet down --volumes
}

[ -e "$system/made" ] || make_system
start_engine
make_images
mkdir "$scratch/project"
git ls-files -z docker-compose.yml deploy | xargs -0 cp -a --parents -t "$scratch/project"
cd "$scratch/project"
# The only gateway of a container closes its port itself: a connection that Caddy makes at that moment may be cut.
play embedded usher 0.005
play cluster usher-a 0 --server http://127.0.0.1:8081 --admin-token-file /run/secrets/admin_token
echo "try-compose: all of it is so"
