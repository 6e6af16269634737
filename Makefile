# make bench   the default comparison: all strategies on the system's OpenSSL,
#              and three hazards that tell the fixes apart; three minutes
# make field   the same strategies inside Debian's unchanged Kamailio
# make test    vet and tests
# make test-long  these, and what takes some hours: see .ci/long.sh
# make lint    gofmt, vet, staticcheck; the C by the compiler, clang and cppcheck
# make format  writes Go and C as lint wants them
# make publish figures and the README's table, from results/data
# make browser the report page in a real browser (needs chromium)
#
# All install a C compiler or libssl where they are missing and that is
# allowed, or say what to type.

GO      ?= go
TLSBENCH = bin/tlsbench
# Each fix that a daemon can have is damaged by one of them at least.
HAZARDS  = plain,foreign-before:n=40,provider-state:when=after,foreign-shared

.PHONY: help bench field test test-long lint format publish browser build setup bench-setup lint-setup clean

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

help: # what make alone prints: the head of this file
	@sed -n 's/^# //p; s/^#$$//p; /^$$/q' Makefile

bench: setup build
	$(TLSBENCH) run --preset default --hazard $(HAZARDS) --hazard-rounds 2 $(ARGS)

field: setup build
	$(TLSBENCH) field $(ARGS)

test: bench-setup
	$(GO) vet ./...
	$(GO) test -timeout 40m ./...

# LONG names parts of .ci/long.sh; SOAK is how long each heap is soaked.
test-long: bench-setup
	GO=$(GO) sh .ci/long.sh $(LONG)

lint: lint-setup
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags sanitized ./...
	$(GO) run $(STATICCHECK) ./...
	@sh .ci/lint.sh

format:
	gofmt -w .
	@sh .ci/lint.sh format

publish:
	$(GO) run ./plots/publish

browser:
	cd plots/browsertest && $(GO) test -count=1 .

build:
	# auto: the commit goes into the program, and with it into results files.
	$(GO) build -buildvcs=auto -o $(TLSBENCH) ./cmd/tlsbench

setup:
	@sh .ci/setup.sh

# What the real hazards need: libpython, libcurl, libpq, PostgreSQL.
bench-setup:
	@sh .ci/setup.sh hazards

lint-setup:
	@sh .ci/setup.sh lint

clean:
	rm -rf bin
