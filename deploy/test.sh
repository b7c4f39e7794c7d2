#!/usr/bin/env bash
# `make test`: installs what is missing, starts the services, runs every test. The runner's own summary is the last thing
# that is written. USHER_TEST_POSTGRES and USHER_TEST_REDIS name servers to use instead of throwaway ones.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

# What needs the network comes first: programs, the suites of others, and every package that Cargo.lock holds, for every platform
# (a test asks for the licence of each). A lock that Cargo.toml has left behind ends here.
deploy/install-tools.sh
deploy/conformance.sh install
cargo fetch --locked
# What Usher is deployed with, by the programs that read it, and that they find faults.
deploy/check.sh
deploy/check-selftest.sh

if [ -z "${USHER_TEST_POSTGRES:-}" ] || [ -z "${USHER_TEST_REDIS:-}" ]; then
    trap 'deploy/test-services.sh stop >/dev/null 2>&1' EXIT
    services=$(deploy/test-services.sh start)
    named=${USHER_TEST_POSTGRES:-} named_redis=${USHER_TEST_REDIS:-}
    eval "$services"
    export USHER_TEST_POSTGRES=${named:-$USHER_TEST_POSTGRES} USHER_TEST_REDIS=${named_redis:-$USHER_TEST_REDIS}
fi

# Tests that start the gateway need the binary; nextest alone would build it only for tests of its own package.
cargo build --workspace --bins
cargo test --workspace --doc --quiet
# Suites of others, against the binary built above.
deploy/conformance.sh
# Every failure in one run: a run is dear, and one failure seldom tells of the next.
failed=0
{ deploy/check-watching.sh && deploy/check-watching.sh self-test; } || failed=1
cargo nextest run --workspace --no-fail-fast || failed=1
# The same gateway on PostgreSQL. The profile names the tests that are about files.
USHER_TEST_DATABASE=postgres cargo nextest run -p gateway -p tenant-registry --profile postgres --no-fail-fast || failed=1
# Traces, by a collector of the tests, from a build of their own. It comes last: from here on `target/debug/usher` is that build.
for database in sqlite postgres; do
    USHER_TEST_DATABASE=$database cargo nextest run -p gateway --features otel --no-fail-fast -E "test(/^traces::/) | test(/^settings::traces::/)" || failed=1
done
exit $failed
