#!/usr/bin/env bash
# Prints the licences of what the binary is made from, besides sexton's own. CRATES gets the crates, as docker/crates.jq
# has them.
#
#   licences.sh CRATES
set -euo pipefail
crates=$1
cd "$(dirname "$0")/.."
platforms=({x86_64,aarch64,riscv64gc}-unknown-linux-musl armv7-unknown-linux-musleabihf)
# Metadata names optional crates that are not compiled; the tree does not.
compiled=$(cargo tree --locked --prefix none --edges normal,no-proc-macro --format '{p}' "${platforms[@]/#/--target=}")
cargo metadata --locked --format-version 1 "${platforms[@]/#/--filter-platform=}" |
  jq --from-file docker/crates.jq --arg compiled "$compiled" >"$crates"

cat docker/licences.txt
jq -r '.[] | select(.source) | [.name, .version, .license, .manifest_path] | @tsv' "$crates" |
  while IFS=$'\t' read -r name version license manifest; do
    printf '\n\n=== %s %s (%s)\n' "$name" "$version" "$license"
    cd "$(dirname "$manifest")"
    # Under the MIT licence, where there is a choice.
    shopt -s nullglob
    texts=(LICENSE-MIT*)
    [ ${#texts[@]} -gt 0 ] || texts=(LICENSE*)
    [ ${#texts[@]} -gt 0 ] || { echo "$name $version: no licence file" >&2; exit 1; }
    for text in COPYRIGHT* NOTICE* "${texts[@]}"; do
      printf '\n'
      tr -d '\r' <"$text"
    done
  done
