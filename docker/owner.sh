#!/usr/bin/env bash
# The account that a release belongs to: documentation and Cargo.toml have the word OWNER in its place. The workflow of
# a release sets the variable; a release that is made elsewhere may set it, too.
#
#   OWNER=NAME docker/owner.sh FILE...      puts the name into the files
set -euo pipefail
: "${OWNER:=}"
[ -n "$OWNER" ] || { echo "OWNER is not set: the files keep the word" >&2; exit 0; }
[[ $OWNER =~ ^[A-Za-z0-9-]+$ ]] || { echo "OWNER=$OWNER: not the name of an account (letters, digits, -)" >&2; exit 1; }
# The names of images have no capitals.
sed -i -e "s#ghcr\.io/OWNER/#ghcr.io/${OWNER,,}/#g" -e "s#\bOWNER/sexton\b#$OWNER/sexton#g" \
  -e "s/\`OWNER\`/\`$OWNER\`/g" -- "$@"
