# What a person types. CI calls the same targets (.ci/run), so that there is one way to do each thing.

.DEFAULT_GOAL := help
.PHONY: help demo run test conformance conformance-docs conformance-pins pictures deploy-check deploy-pins rehearse boot try-compose release behaviours metrics-page check format lint docs bench fuzz tools bare

# A warning is an error with the compiler that Cargo.toml names. A newer one may warn of more: it says so and goes on, so that a
# release of Rust breaks nothing that did not change.
RUST := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
DENY_WARNINGS = $(if $(filter $(RUST).%,$(shell rustc --version)),-D warnings)

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'

# Demo and run use the debug build: it compiles in a fraction of a release build's time and shares its work with `make test`.
# For its real speed: cargo build --release --bin usher
demo: ## See five products side by side: five tenants, their identity providers, one table (MODE=cluster: two processes on PostgreSQL and Redis; DEMO_EXIT=1: end after the table)
	@deploy/install-tools.sh $(if $(filter cluster,$(MODE)),tests,build)
	cargo build --bin usher --bin demo
	@DEMO_EXIT=$(DEMO_EXIT) DEMO_MODE=$(MODE) cargo run --quiet --bin demo

run: ## Run the gateway on 127.0.0.1:8080 with its data in ./data
	@deploy/install-tools.sh build
	cargo run --bin usher -- serve

test: ## Install what is missing, run every test
	@deploy/test.sh

conformance: ## Run the SCIM suites of others against a gateway of our own
	cargo build --bin usher
	@deploy/conformance.sh

conformance-docs: ## The same, and write the results into docs/conformance.md
	cargo build --bin usher
	@deploy/conformance.sh --write-docs

behaviours: ## Write docs/behaviours.md, which test shows which promise, and the questions of docs/support.md with what the commands print
	USHER_WRITE_PAGES=1 cargo test -p testkit --test pages the_page_of_behaviours
	USHER_WRITE_PAGES=1 cargo test -p gateway --test it the_questions_of_the_page

metrics-page: ## Write docs/metrics.md from the list of metrics
	USHER_WRITE_PAGES=1 cargo test -p metrics --test page the_page_of_metrics

conformance-pins: ## Pin the suites and their dependencies again
	@deploy/conformance.sh pins

pictures: ## Draw the dashboards from the demo's data into docs/pictures (six minutes; a Redis and a Prometheus of its own)
	@deploy/install-tools.sh
	cargo build --bin usher --bin demo
	@deploy/make-pictures

deploy-check: ## Check what Usher is deployed with: compose, image, chart, units, Prometheus, Caddy; then that a fault in each is found
	@deploy/check.sh
	@deploy/check-selftest.sh

rehearse: ## Play what docs/deploy.md promises with the files of deploy/: TLS, restarts under load, two gateways (needs root)
	cargo build --bin usher
	@deploy/rehearse.sh

boot: ## Run the lines of docs/deploy.md on a Debian that boots with systemd, in a container (ARCHIVE=target/release-files/….tar.gz; needs root)
	@deploy/boot.sh $(ARCHIVE)

try-compose: ## Bring the compose file up on an engine of its own, with stand-ins for the images of others (needs root, docker.io, debootstrap)
	cargo build --bin usher
	@deploy/compose/try.sh target/debug/usher

deploy-pins: ## Pin the programs of deploy-check again
	@deploy/python-environment.sh pins deploy/checks

release: ## Build what a release consists of: binary, bill of materials, manual pages, completions, checksums (ten minutes)
	@deploy/release.sh

check: format lint docs ## Formatting, lints, documentation: what CI runs before the tests

format: ## Check the formatting
	cargo fmt --all --check

lint: ## Run clippy on everything; a warning is an error
	cargo clippy --workspace --all-targets -- $(DENY_WARNINGS)
	cargo clippy -p gateway --all-targets --features otel -- $(DENY_WARNINGS)

docs: ## Build the API documentation; a warning is an error
	RUSTDOCFLAGS="$(DENY_WARNINGS)" cargo doc --no-deps --workspace --document-private-items

bench: ## Measure a release build over HTTP, then the micro-benchmarks
	cargo build --release --bin usher --bin bench
	@cargo run --release --quiet --bin bench -- $(BENCH)
	cargo bench -p scim-core --bench scim --bench hostile

fuzz: ## Look for inputs that break a parser: nightly compiler, cargo-fuzz (FUZZ="filter path" FUZZ_SECONDS=60)
	@deploy/fuzz.sh $(FUZZ)

tools: ## Install what the tests need and this machine lacks
	@deploy/install-tools.sh

bare: ## Try demo and test on a bare Debian (needs root and debootstrap; half an hour)
	@deploy/bare.sh
