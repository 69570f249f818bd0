#!/usr/bin/env bash
# The container tests, in one command, as root: installs what they need, builds the static binary,
# starts the test bed, runs the tests, and takes the test bed down again. The exit status is that of
# the tests. Arguments go to the test program: `run.sh stop::podman` runs the tests that have that
# in their names.
#
#   IT_BIN=FILE    test this init instead of the one that is built here
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/setup.sh
need_root
need_rust
need dockerd:docker.io containerd:containerd runc:runc podman:podman conmon:conmon crun:crun \
    /usr/lib/cni/loopback:containernetworking-plugins busybox:busybox-static script:bsdutils jq:jq \
    protoc:protobuf-compiler /usr/bin/python3:python3 /usr/lib/python3/dist-packages/grpc:python3-grpcio \
    newuidmap:uidmap /usr/libexec/podman/catatonit:catatonit setpriv:util-linux tini-static:tini
need nginx:nginx-light /usr/lib/postgresql/15/bin/initdb:postgresql-15 /usr/bin/redis-server:redis-server \
    /usr/lib/jvm/java-17-openjdk-amd64/bin/javac:openjdk-17-jdk-headless /usr/bin/node:nodejs cron:cron \
    sshd:openssh-server ssh:openssh-client docker-compose:docker-compose \
    apache2:apache2 haproxy:haproxy php-fpm8.2:php8.2-fpm gunicorn:gunicorn uvicorn:uvicorn celery:celery puma:puma \
    mariadbd:mariadb-server cgi-fcgi:libfcgi-bin curl:curl nsenter:util-linux # for software.rs
TARGET=x86_64-unknown-linux-musl

if [ -z "${IT_BIN-}" ]; then
    cargo build --locked --release --bin sexton --target "$TARGET"
    IT_BIN=${CARGO_TARGET_DIR:-target}/$TARGET/release/sexton
fi
cargo test --locked --test containers --no-run

BED=$(mktemp -d "${TMPDIR:-/tmp}/sexton-bed.XXXXXX")
export BED IT_BIN
trap 'tests/containers/testbed.sh down' EXIT
tests/containers/testbed.sh up
. "$BED/env"
cargo test --locked --test containers -- --test-threads=4 "$@"
