#!/usr/bin/env bash
# Shows that a release can be made again: makes it twice from the commit that is checked out, in clones at different
# places, each with crates and build folders of its own, and compares all files. TARGETS as for docker/dist.sh.
set -euo pipefail
repository=$(realpath "$(dirname "$0")/..")
commit=$(git -C "$repository" rev-parse HEAD) # it may get others meanwhile
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for place in one another/place; do
  git clone -q "$repository" "$scratch/$place"
  git -C "$scratch/$place" checkout -q "$commit"
  (
    cd "$scratch/$place"
    export CARGO_HOME=$PWD.crates CARGO_TARGET_DIR=$PWD.target
    docker/dist.sh "$scratch/${place%%/*}.dist" >"$scratch/log" 2>&1 || { tail -n 50 "$scratch/log" >&2; exit 1; }
    rm -rf "$CARGO_TARGET_DIR"
  )
done
diff "$scratch/one.dist/SHA256SUMS" "$scratch/another.dist/SHA256SUMS" || { echo "the two differ" >&2; exit 1; }
cat "$scratch/one.dist/SHA256SUMS"
echo "both times the same"
