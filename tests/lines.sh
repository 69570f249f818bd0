#!/usr/bin/env bash
# Fails if a line has more than 120 characters, and prints it with its file and number. Exempt are rows of tables in
# Markdown, a URL with at most one word before it, generated files and the corpora of the fuzz targets.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8 # characters, not bytes
found=$(git grep -nIE '.{121}' -- . ':!docs/completions' ':!docs/*.json' ':!docs/benchmarks*' ':!*.svg' \
  ':!tests/fuzz/corpus') || [ $? = 1 ]
if grep -vE -e '^$' -e '^[^:]*\.md:[0-9]*: *\|' -e '^[^:]*:[0-9]*: *([^ ]+ )?[^ ]*https?://[^ ]*$' <<<"$found"; then
  echo "tests/lines.sh: these lines have more than 120 characters" >&2
  exit 1
fi
