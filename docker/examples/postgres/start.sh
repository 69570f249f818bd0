#!/bin/sh
# Makes the cluster if there is none, and becomes the server: `exec`, so that it is the server that sexton signals.
set -eu
bin=/usr/lib/postgresql/15/bin
[ -s "$PGDATA/PG_VERSION" ] ||
    "$bin/initdb" --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 ${INITDB_ARGS-}
exec "$bin/postgres" -c listen_addresses='*'
