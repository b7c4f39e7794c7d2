#!/bin/sh
# Throwaway services for the tests: a PostgreSQL and a Redis of our own, on free private ports, in temporary directories.
#
#   eval "$(deploy/test-services.sh start)"   start both (once; a second start finds them) and export their URLs
#   deploy/test-services.sh stop              end both and remove their files
#   deploy/test-services.sh attached          start PostgreSQL, print its URL, end it when standard input is closed; `stop MODE`
#                                             (as pg_ctl calls it) and `start`, a line each, are answered by `done`
#
# USHER_TEST_FSYNC=on makes it sync to disk like a real one; off by default, because its data may be lost.
# Any PostgreSQL from 15 on will do (Debian 12 has 15, Debian 13 has 17); of several, the newest is taken. `make tools` installs
# it. So does any Redis from 6 on, or Valkey. Writes nothing to standard output but the export lines.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
state=${USHER_TEST_SERVICES:-$root/.tools/test-services}

say() { echo "test-services: $*" >&2; }
die() { say "$*"; exit 1; }

# PostgreSQL refuses to run as root, so root lends it the user that the package makes.
as_server() {
    if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

# The directory of initdb and pg_ctl: the newest Debian has, else the PATH's.
find_binaries() {
    for directory in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n -r); do
        [ -x "$directory/initdb" ] && [ -x "$directory/pg_ctl" ] && { echo "$directory"; return 0; }
    done
    found=$(command -v initdb) && dirname "$found"
}

# What `initdb` says is `initdb (PostgreSQL) 15.12 (Debian …)`.
check_version() {
    major=$("$1/initdb" --version | awk '{ print int($3) }')
    [ "$major" -ge 15 ] || die "the tests need PostgreSQL 15 or newer, and $1 is $major"
}

# Starts or stops the server.
control() { as_server "$binaries/pg_ctl" -D "$directory/data" -l "$directory/log" -w -t 60 -o "$options" "$@" </dev/null >/dev/null; }

# Sets $directory (data, socket, log) and $port of a new running server.
start_postgres() {
    binaries=$(find_binaries) || die "PostgreSQL is missing: make tools"
    check_version "$binaries"
    directory=$(as_server mktemp -d "${TMPDIR:-/tmp}/usher-test-XXXXXX")
    # As every cell must be (crates/store/src/fitness.rs).
    as_server "$binaries/initdb" -D "$directory/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null ||
        die "initdb failed"
    tries=0
    while :; do
        # Asking for a free port and then using it is a race, so a taken one is simply tried again elsewhere.
        port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
        options="-p $port -k $directory -c listen_addresses=127.0.0.1 -c max_connections=300"
        options="$options -c fsync=${USHER_TEST_FSYNC:-off}"
        control start && break
        tries=$((tries + 1))
        [ "$tries" -lt 5 ] || {
            as_server cat "$directory/log" >&2
            as_server rm -rf "$directory"
            die "PostgreSQL does not start"
        }
    done
}

print_url() { echo "export USHER_TEST_POSTGRES=postgres://postgres@127.0.0.1:$1/postgres"; }

# Ends the server by the pid file in its own data directory, and removes everything.
stop_postgres() {
    if [ -s "$1/data/postmaster.pid" ] || as_server test -s "$1/data/postmaster.pid"; then
        as_server "$(find_binaries)/pg_ctl" -D "$1/data" -m immediate -w stop >/dev/null || say "it was not running"
    fi
    as_server rm -rf "$1"
}

running() {
    [ -f "$state/postgres" ] || return 1
    read -r directory port <"$state/postgres"
    as_server "$(find_binaries)/pg_ctl" -D "$directory/data" status >/dev/null 2>&1
}

find_redis() { command -v redis-server || command -v valkey-server; }

redis_cli() { "$(command -v redis-cli || command -v valkey-cli)" "$@" 2>/dev/null; }

# Whether the Redis on this port is the one of this directory.
is_redis_of() { [ "$(redis_cli -p "$2" config get dir | tail -n 1)" = "$1" ]; }

# Sets $redis_directory and $redis_port of a new running server. It keeps nothing on disk.
start_redis() {
    server=$(find_redis) || die "Redis is missing: make tools"
    redis_directory=$(mktemp -d "${TMPDIR:-/tmp}/usher-test-XXXXXX")
    tries=0
    while [ "$tries" -lt 5 ]; do
        redis_port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
        "$server" --port "$redis_port" --bind 127.0.0.1 --dir "$redis_directory" --logfile log --daemonize yes \
            --save '' --appendonly no >/dev/null
        waits=0
        while [ "$waits" -lt 50 ]; do
            is_redis_of "$redis_directory" "$redis_port" && return 0
            sleep 0.1
            waits=$((waits + 1))
        done
        tries=$((tries + 1))
    done
    cat "$redis_directory/log" >&2
    rm -rf "$redis_directory"
    die "Redis does not start"
}

stop_redis() {
    if is_redis_of "$1" "$2"; then redis_cli -p "$2" shutdown nosave; else say "Redis was not running"; fi
    rm -rf "$1"
}

redis_running() {
    [ -f "$state/redis" ] || return 1
    read -r redis_directory redis_port <"$state/redis"
    is_redis_of "$redis_directory" "$redis_port"
}

case ${1:-} in
start)
    mkdir -p "$state"
    running || { start_postgres; echo "$directory $port" >"$state/postgres"; }
    redis_running || { start_redis; echo "$redis_directory $redis_port" >"$state/redis"; }
    print_url "$port"
    echo "export USHER_TEST_REDIS=redis://127.0.0.1:$redis_port"
    ;;
stop)
    if [ -f "$state/postgres" ]; then
        read -r directory port <"$state/postgres"
        stop_postgres "$directory"
        rm -f "$state/postgres"
    fi
    if [ -f "$state/redis" ]; then
        read -r redis_directory redis_port <"$state/redis"
        stop_redis "$redis_directory" "$redis_port"
        rm -f "$state/redis"
    fi
    ;;
attached)
    start_postgres
    trap 'stop_postgres "$directory"' EXIT
    trap 'exit 1' INT TERM HUP
    print_url "$port"
    while read -r word mode; do
        case $word in
        stop) control -m "$mode" stop ;;
        start) control start ;;
        *) die "attached understands stop and start, not $word" ;;
        esac
        echo 'done'
    done
    ;;
*) die "usage: $0 start|stop|attached" ;;
esac
