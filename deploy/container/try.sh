#!/usr/bin/env bash
# What the image's last stage holds, made and run here without an engine: the packages of distroless/cc-debian12 unpacked, and over them
# what the Dockerfile copies. The gateway runs in it as user 65532 on a read-only root without a shell, in a network of its own.
# Needs root and a Debian 12 that reaches its packages.
#
#   deploy/container/try.sh BINARY      a release binary, for the sizes to mean something
set -euo pipefail

[ $# = 1 ] && [ -x "$1" ] || { echo "usage: $0 BINARY" >&2; exit 1; }
binary=$(realpath "$1")
cd "$(dirname "$0")/../.."

# What distroless' own build lists for `static`, `base` and `cc` on Debian 12.
packages=(base-files ca-certificates gcc-12-base libc6 libgcc-s1 libgomp1 libssl3 libstdc++6 media-types netbase tzdata)

say() { echo "try-image: $*"; }
die() { say "$*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "needs root, for chroot"
grep -q '^VERSION_CODENAME=bookworm$' /etc/os-release || die "needs Debian 12, whose packages the image is made of"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
mkdir -p "$scratch/packages" "$root"
(cd "$scratch/packages" && apt-get -o APT::Sandbox::User=root download -qq "${packages[@]}")
for package in "$scratch"/packages/*.deb; do dpkg-deb --extract "$package" "$root"; done
# Distroless has no documentation but licences, and one file of certificates.
rm -rf "$root"/usr/share/{man,info,lintian,gdb,locale}
cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$scratch/certificates"
mkdir -p "$root/etc/ssl/certs"
mv "$scratch/certificates" "$root/etc/ssl/certs/ca-certificates.crt"
echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$root/etc/passwd"
base=$(du -s --bytes "$root" | cut -f1)

# The Dockerfile's COPY lines.
install -D -m 0755 "$binary" "$root/usr/local/bin/usher"
install -D -m 0644 deploy/container/usher.toml "$root/etc/usher/usher.toml"
install -d -m 0700 -o 65532 -g 65532 "$root/data"
whole=$(du -s --bytes "$root" | cut -f1)
[ ! -e "$root/bin/sh" ] || die "there is a shell in it"

missing=$(chroot "$root" /lib64/ld-linux-x86-64.so.2 --list /usr/local/bin/usher | awk '/not found/')
[ -z "$missing" ] || die "the binary misses $missing"
say "libraries: $(chroot "$root" /lib64/ld-linux-x86-64.so.2 --list /usr/local/bin/usher | awk '{ print $1 }' | xargs -n1 basename | sort | paste -sd' ')"

# As the engine runs it: read-only, /data a volume, no capability after the change of user.
play() {
    set -eu
    ip link set lo up
    mount --bind "$root" "$root"
    mount --bind "$scratch/volume" "$root/data"
    mount -o remount,bind,ro "$root"
    command=(chroot --userspec=65532:65532 "$root" /usr/local/bin/usher)
    inside() { "${command[@]}" "$@"; }
    # Not by the function, which a shell of its own would run, and the signal below would reach that shell.
    "${command[@]}" serve --config /etc/usher/usher.toml 2>"$scratch/log" &
    gateway=$!
    export USHER__DATA_DIR=/data
    for _ in $(seq 100); do
        inside healthcheck --config /etc/usher/usher.toml >/dev/null 2>&1 && break
        kill -0 "$gateway" 2>/dev/null || { cat "$scratch/log"; exit 1; }
        sleep 0.1
    done
    inside healthcheck --config /etc/usher/usher.toml
    inside tenant create --region ire --key acme --name Acme --seats member=5 >/dev/null
    inside tenant list | grep -q acme
    kill -TERM "$gateway"
    wait "$gateway"
}
mkdir "$scratch/volume"
chown 65532:65532 "$scratch/volume"
chmod 0700 "$scratch/volume"
export root scratch
export -f play
unshare --mount --net --pid --fork --kill-child -- bash -c play || die "it does not run there"
say "it serves, HEALTHCHECK's command says so, a tenant is made, and a stop exits with 0"

megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1000000 }'; }
say "base $(megabytes "$base"), with Usher $(megabytes "$whole"); as a registry keeps it: $(megabytes "$(tar -C "$root" -c . | gzip -6 | wc -c)")"
