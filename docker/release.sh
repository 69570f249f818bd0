#!/usr/bin/env bash
# Packs the release archive: the static binary, and the names of the inits in whose place it works as links to it.
#
#   docker/release.sh [FOLDER]      FOLDER (default: dist) gets sexton-VERSION-TARGET.tar.gz
set -euo pipefail
cd "$(dirname "$0")/.."
target=${TARGET:-x86_64-unknown-linux-musl}
folder=${1:-dist}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=sexton-$version-$target

cargo build --locked --release --bin sexton --target "$target"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/$name/docs" "$folder"
install -m 755 "${CARGO_TARGET_DIR:-target}/$target/release/sexton" "$scratch/$name/sexton"
install -m 644 README.md CHANGELOG.md LICENSE "$scratch/$name"
install -m 644 docs/*.md "$scratch/$name/docs"
for init in tini tini-static docker-init dumb-init catatonit; do
  ln -s sexton "$scratch/$name/$init"
done
tar -C "$scratch" --owner=0 --group=0 --numeric-owner -czf "$folder/$name.tar.gz" "$name"
echo "$folder/$name.tar.gz"
