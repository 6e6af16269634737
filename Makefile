# make bench   the default comparison: all strategies on the system's OpenSSL
# make field   the same strategies inside Debian's unchanged Kamailio
# make test    vet and tests
# All install a C compiler or libssl where they are missing and that is
# allowed, or say what to type.

GO      ?= go
TLSBENCH = bin/tlsbench

.PHONY: bench field test build setup bench-setup clean

bench: setup build
	$(TLSBENCH) run --preset default $(ARGS)

field: setup build
	$(TLSBENCH) field $(ARGS)

test: bench-setup
	$(GO) vet ./...
	$(GO) test -timeout 15m ./...

build:
	$(GO) build -o $(TLSBENCH) ./cmd/tlsbench

setup:
	@sh bench/setup.sh

# What the real hazards need: libpython, libcurl, libpq, PostgreSQL.
bench-setup:
	@sh bench/setup.sh hazards

clean:
	rm -rf bin
