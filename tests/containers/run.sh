#!/bin/bash
# The container tests, in one command, as root: installs what they need, builds the static binary,
# starts the test bed, runs the tests, and takes the test bed down again. The exit status is that of
# the tests. Arguments go to the test program: `run.sh stop::podman` runs the tests that have that
# in their names.
#
#   IT_BIN=FILE    test this init instead of the one that is built here
set -euo pipefail
cd "$(dirname "$0")/../.."

TARGET=x86_64-unknown-linux-musl
PACKAGES=(
    docker.io containerd runc
    podman conmon crun containernetworking-plugins
    busybox-static bsdutils jq
)

missing=()
for package in "${PACKAGES[@]}"; do
    status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null) || true
    [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update --quiet --quiet
    # Starting the packages' own daemons is not ours to do.
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
fi

if [ -z "${IT_BIN-}" ]; then
    rustup target add "$TARGET"
    cargo build --locked --release --target "$TARGET"
    IT_BIN=${CARGO_TARGET_DIR:-target}/$TARGET/release/sexton
fi
cargo test --locked --test containers --no-run

BED=$(mktemp -d "${TMPDIR:-/tmp}/sexton-bed.XXXXXX")
export BED IT_BIN
trap 'tests/containers/testbed.sh down' EXIT
tests/containers/testbed.sh up
. "$BED/env"
cargo test --locked --test containers -- --test-threads=4 "$@"
