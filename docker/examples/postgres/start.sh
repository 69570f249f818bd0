#!/bin/sh
# Makes the cluster if there is none, and becomes the server by `exec`, so that sexton signals the server.
set -eu
bin=/usr/lib/postgresql/15/bin
[ -s "$PGDATA/PG_VERSION" ] ||
    "$bin/initdb" --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 ${INITDB_ARGS-}
exec "$bin/postgres" -c listen_addresses='*'
