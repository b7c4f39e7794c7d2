#!/usr/bin/env bash
# `make release`: what a release consists of, in target/release-files: an archive with the binary, manual pages, completions, units and
# examples; its bill of materials (CycloneDX); checksums of both. Two runs of one commit with one compiler make the same archive.
#
#   deploy/release.sh            everything; the binary is built in a target folder of its own
#   deploy/release.sh --dirty    also with changes that are not committed, to try it
#
# Signing is a step of its own, on a machine that has the key (docs/deploy.md).
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

say() { echo "release: $*" >&2; }
die() { say "$*"; exit 1; }

[ "${1:-}" = --dirty ] || [ -z "$(git status --porcelain)" ] || die "there are changes that are not committed (--dirty to try it)"

deploy/install-tools.sh release
deploy/python-environment.sh make deploy/checks target/deploy-tools

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
target=$(rustc -vV | sed -n 's/^host: //p')
name=usher-$version-$target
out=target/release-files
files=$out/$name
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
rm -rf "$out"
mkdir -p "$files/bin"

say "building $name"
# No path of this machine in the binary, and the list of its crates in a section of its own.
export CARGO_TARGET_DIR=target/release-build CARGO_INCREMENTAL=0
export RUSTFLAGS="--remap-path-prefix=$PWD=/usher --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
cargo auditable build --locked --release --bin usher
install -m 0755 "$CARGO_TARGET_DIR/release/usher" "$files/bin/usher"

say "writing manual pages and completions"
unset RUSTFLAGS CARGO_TARGET_DIR
cargo run --quiet --locked -p cli --example pages -- "$out/pages"
install -d "$files/share/bash-completion/completions" "$files/share/zsh/site-functions" "$files/share/fish/vendor_completions.d"
install -D -m 0644 -t "$files/share/man/man1" "$out/pages/man/"*.1
install -m 0644 "$out/pages/completions/usher.bash" "$files/share/bash-completion/completions/usher"
install -m 0644 "$out/pages/completions/_usher" "$files/share/zsh/site-functions/_usher"
install -m 0644 "$out/pages/completions/usher.fish" "$files/share/fish/vendor_completions.d/usher.fish"
rm -r "$out/pages"

mkdir -p "$files/deploy/grafana" "$files/deploy/prometheus"
cp -r deploy/caddy deploy/systemd "$files/deploy"
cp -r deploy/grafana/dashboards deploy/grafana/provisioning "$files/deploy/grafana"
cp deploy/prometheus/prometheus.yml deploy/prometheus/rules.yml "$files/deploy/prometheus"
cp LICENSE docs/deploy.md docs/operations.md docs/configuration.md "$files"
find "$files" -type d -exec chmod 0755 {} +

say "writing the bill of materials"
cargo cyclonedx --quiet --manifest-path crates/gateway/Cargo.toml --describe binaries --format json --spec-version 1.5 --target "$target"
# Without the paths of this machine. It writes one for each program of the workspace.
sed "s#$PWD#/usher#g" crates/gateway/usher_bin.cdx.json >"$out/$name.cdx.json"
find crates -name "*_bin.cdx.json" -delete
target/deploy-tools/bin/python deploy/checks/sbom.py "$out/$name.cdx.json" "$files/bin/usher"

tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$out" -cf - "$name" | gzip -9 -n >"$out/$name.tar.gz"
rm -r "$files"
(cd "$out" && sha256sum -- * >SHA256SUMS)
(cd "$out" && sha256sum --check --quiet SHA256SUMS)
say "done; $out holds:"
ls -l "$out" >&2
