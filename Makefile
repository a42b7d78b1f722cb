EXTENSION = imagebuilder_fdw
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(srcdir)/imagebuilder_fdw.control)

MODULE_big = imagebuilder_fdw
DATA = imagebuilder_fdw--1.0.sql
OBJS = \
	src/imagebuilder_fdw.o \
	src/failure.o \
	src/foreign_text.o \
	src/retry.o \
	src/secret.o \
	src/api/schema.o \
	src/config/config.o \
	src/config/option.o \
	src/fdw/async.o \
	src/fdw/binding.o \
	src/fdw/conditions.o \
	src/fdw/key.o \
	src/fdw/key_state.o \
	src/fdw/keyless.o \
	src/fdw/plan.o \
	src/fdw/plantree.o \
	src/fdw/row_error.o \
	src/fdw/row_reader.o \
	src/fdw/scan.o \
	src/readahead/guard.o \
	src/readahead/readahead.o \
	src/readahead/readahead_plan.o \
	src/readahead/row_key.o \
	src/readahead/row_key_state.o \
	src/lookup/attempt.o \
	src/lookup/cache.o \
	src/lookup/lookup.o \
	src/lookup/pace.o \
	src/lookup/request.o \
	src/lookup/statement.o \
	src/aws/arn.o \
	src/aws/endpoint.o \
	src/aws/error.o \
	src/aws/issued.o \
	src/aws/ini.o \
	src/aws/json.o \
	src/aws/profile.o \
	src/aws/sigv4.o \
	src/identity/child.o \
	src/identity/container.o \
	src/identity/credential_process.o \
	src/identity/exchange.o \
	src/identity/fetch.o \
	src/identity/identity.o \
	src/identity/instance.o \
	src/identity/orphans.o \
	src/identity/profile_provider.o \
	src/identity/renewal.o \
	src/identity/signed.o \
	src/identity/sts.o \
	src/http/answer.o \
	src/http/engine.o \
	src/http/http.o \
	src/http/memory.o \
	src/http/outcome.o \
	src/http/sockets.o \
	src/http/tls.o \
	src/rows/document.o \
	src/rows/document_parse.o \
	src/rows/path.o \
	src/rows/projection.o \
	src/rows/value.o

REGRESS = extension arn import options plan plan_shape
# PostgreSQL's modules for TAP need it.
IPC_RUN := $(shell perl -MIPC::Run -e 'print "yes"' 2>/dev/null)
ifeq ($(IPC_RUN),yes)
TAP_TESTS = 1
endif

# Debian's names; elsewhere those of the same headers.
PG_CONFIG ?= pg_config
ifeq ($(shell command -v $(PG_CONFIG)),)
$(error no $(PG_CONFIG): install PostgreSQL's development files (postgresql-server-dev-15 or later, \
	libcurl4-openssl-dev, libjson-c-dev, libssl-dev), or name it with PG_CONFIG=/path/to/pg_config)
endif

# PostgreSQL's headers as the system's, so that only our own code is warned of.
PG_CPPFLAGS = -I$(srcdir)/src -isystem $(includedir_server) \
	-DIMAGEBUILDER_FDW_VERSION='"$(EXTVERSION)"'
# As PostgreSQL 16 and later compile extensions: names are not exported but where PGDLLEXPORT says so.
PG_CFLAGS = -fvisibility=hidden
# No bitcode: functions that LLVM's JIT inlined would call hidden ones, which it cannot resolve.
override with_llvm = no
SHLIB_LINK = -lcurl -ljson-c -lssl -lcrypto

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

ifneq ($(IPC_RUN),yes)
installcheck: tap-skipped
.PHONY: tap-skipped
tap-skipped:
	@echo "TAP tests skipped: they need Perl's IPC::Run (Debian's libipc-run-perl)"
endif

# What PGXN takes: what is committed, and nothing else.
DISTVERSION = $(shell sed -n 's/^    "version": "\(.*\)",/\1/p' $(srcdir)/META.json)
dist:
	git -C $(srcdir) archive --format=zip --prefix=$(EXTENSION)-$(DISTVERSION)/ \
		-o $(CURDIR)/$(EXTENSION)-$(DISTVERSION).zip HEAD
.PHONY: dist

# make COPT="-Wall -Wextra -Wno-unused-parameter -Werror" in CI; see dev/test.

# Out of the tree (VPATH) no rule of PGXS makes the objects' directories.
$(shell mkdir -p $(dir $(OBJS)))

# The control file too: its version is compiled in.
$(OBJS): $(wildcard $(srcdir)/src/*.h $(srcdir)/src/*/*.h $(srcdir)/src/*/*.inc) \
	$(srcdir)/Makefile $(srcdir)/imagebuilder_fdw.control
