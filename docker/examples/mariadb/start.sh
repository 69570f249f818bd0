#!/bin/sh
# Makes the databases if there are none, and becomes the server by `exec`, so that sexton signals the server.
set -eu
[ -d /data/mysql ] || mariadb-install-db --defaults-file=/etc/my.cnf --auth-root-authentication-method=normal >/dev/null
exec mariadbd --defaults-file=/etc/my.cnf "$@"
