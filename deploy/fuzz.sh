#!/usr/bin/env bash
# `make fuzz`: libFuzzer on every property of `scim-properties`, or on those named; FUZZ_SECONDS each, 60 without it. Needs the
# nightly toolchain and cargo-fuzz (`cargo install --locked cargo-fuzz@0.13.2`), neither of which `make test` needs.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo +nightly fuzz --version >/dev/null 2>&1 ||
    { echo "fuzz: needs rustup toolchain install nightly, and cargo install --locked cargo-fuzz@0.13.2" >&2; exit 1; }

cargo run --quiet -p scim-properties --bin seeds -- fuzz/corpus
[ $# -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
for target in "${targets[@]:-$@}"; do
    printf '\n== %s ==\n' "$target"
    # An input may take 2 s and 1 GiB here, where everything is some twenty times slower than in a release build.
    cargo +nightly fuzz run "$target" -- -max_total_time="${FUZZ_SECONDS:-60}" -max_len=16384 -timeout=2 \
        -rss_limit_mb=1024 -dict=fuzz/scim.dict -print_final_stats=1
done
