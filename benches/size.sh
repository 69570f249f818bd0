#!/usr/bin/env bash
# Which part of sexton the bytes of the released binary belong to (x86_64).
#
#   benches/size.sh                  prints the table
#   benches/size.sh --update [FILE]  writes it into FILE (docs/benchmarks.md)
#   benches/size.sh --check          compares with docs/benchmarks.md: fails if the file, or a part, has outgrown it
#
# A function's part is told by its symbol, so what the compiler inlines counts where it was inlined. Symbols are what
# the released binary lacks: a second build has them, which is the same but for that.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1-} in
'' | --update | --check) ;;
*) exec sed -n '2,/^set/s/^# \{0,1\}//p' benches/size.sh ;;
esac
. tests/setup.sh
need_rust
need nm:binutils
musl=x86_64-unknown-linux-musl
target=${CARGO_TARGET_DIR:-target}
page=docs/benchmarks.md
heading="## Size budget"
# What a part, and the whole file, may grow by until the figures are committed anew.
allowance=1024
total_allowance=4096

build() {
  cargo build --quiet --locked --release --bin sexton --target $musl
  CARGO_PROFILE_RELEASE_STRIP=false \
    cargo build --quiet --locked --release --bin sexton --target $musl --target-dir "$target/size"
}

# "part<tab>bytes" of each function; and of each section that is not code.
parts() {
  local binary=$target/size/$musl/release/sexton help=0 arguments
  for arguments in --help "--as tini -h" "--as dumb-init -h" "--as catatonit -h"; do
    # shellcheck disable=SC2086
    help=$((help + $("$target/$musl/release/sexton" $arguments 2>&1 | wc -c)))
  done
  {
    size --format=sysv --radix=10 "$binary" &&
      echo symbols &&
      nm --print-size --radix=d --demangle --defined-only "$binary"
  } |
    awk -v help=$help -v total="$(stat -c %s "$target/$musl/release/sexton")" '
    function part_of(name) {
      if (match(name, /sexton::[a-z_:]+/)) {
        name = substr(name, RSTART + 8, RLENGTH - 8)
        if (name ~ /^inspect/) return "status"
        if (name ~ /^log::(syslog|socket)/) return "syslog"
        if (name ~ /^(log|report|text::json)/) return "log and report"
        if (name ~ /^cli::compat/) return "compatibility modes"
        if (name ~ /^cli/) return "command line"
        if (name ~ /^values::(capabilities|user|rlimit|scheduling|environment|duration|exit_map|rewrite)/)
          return "command line"
        return "core"
      }
      if (name ~ /syslog::/) return "syslog"
      if (name ~ /(^|[^a-z_])(nix|caps|log)::/) return "crates"
      if (name ~ /::|__rust|_Unwind|rust_|unw_|__unw/) return "std"
      return "libc"
    }
    function add(part, bytes) { sizes[part] += bytes; sum += bytes }
    $0 == "symbols" { symbols = 1; next }
    !symbols && $1 == ".text" { begin = $3; end = $3 + $2; code = $2 }
    !symbols && $1 == ".rodata" { add("help", help); add("constants", $2 - help) }
    !symbols && $1 ~ /^\.(eh_frame|gcc_except)/ { add("unwinding", $2) }
    !symbols && $1 ~ /^\.(rel|data|got|init_array|fini_array|dynamic)/ { add("data", $2) }
    symbols && $1 >= begin && $1 < end && NF > 3 && !($1 in seen) {
      seen[$1]
      name = $0
      sub(/^[0-9]+ [0-9]+ . /, "", name)
      add(part_of(name), $2 + 0)
      code -= $2
    }
    END {
      if (length(seen) == 0) { print "no symbols" >"/dev/stderr"; exit 1 }
      sizes["rest"] = total - sum
      sizes["status"] += 0; sizes["unwinding"] += 0
      for (part in sizes) print part "\t" sizes[part]
      print "total\t" total
    }'
}

# The parts in order, as a table.
table() {
  cat <<END
$heading

Bytes of the released binary by part, built by $(compiler). CI runs \`benches/size.sh --check\`: a part may grow by
$allowance, the file by $total_allowance; more growth is reviewed and committed (\`benches/size.sh --update\`). \
A function counts where its
symbol is, and an inlined function where it is inlined. Another compiler gives other figures: then only the file is
checked, with a tenth to spare.

| part | bytes | contents |
| --- | --- | --- |
END
  local part what
  while IFS='|' read -r part what; do
    echo "| $part | $(awk -F '\t' -v part="$part" '$1 == part { print $2 }' <<<"$1") | $what |"
  done <<'END'
core|the loop, the supervisor, steps, system calls
command line|the table of flags, parsing, the values
compatibility modes|`cli::compat`
status|`inspect`: `--status`
log and report|lines, the recorder, the exit report
syslog|`log::syslog`, `log::socket`, the crate
help|the texts that `--help` and the other inits' `-h` print
constants|the rest of .rodata: texts, tables
crates|nix, caps, log
std|std, core, alloc, the unwinder
libc|musl
unwinding|.eh_frame, .gcc_except_table
data|.data, relocations and what they apply to
rest|headers, alignment
total|the file
END
}

compiler() {
  rustc --version | cut -d ' ' -f 1,2
}

committed() {
  sed -n "/^$heading/,\$p" $page
}

check() {
  local budget failed=0 part bytes limit
  budget=$(committed)
  while IFS=$'\t' read -r part bytes; do
    limit=$(sed -n "s/^| $part | \([0-9]*\) |.*/\1/p" <<<"$budget")
    [ -n "$limit" ] || { echo "size: $page has no figure for '$part'" >&2; return 1; }
    if ! grep -qF "built by $(compiler)." <<<"$budget"; then
      [ "$part" = total ] || continue
      echo "size: $(compiler) is not what the figures are of: only the file is checked"
      limit=$((limit * 11 / 10))
    elif [ "$part" = total ]; then
      limit=$((limit + total_allowance))
    else
      limit=$((limit + allowance))
    fi
    if [ "$bytes" -gt "$limit" ]; then
      echo "size: $part has $bytes bytes, which may be $limit" >&2
      failed=1
    fi
  done <<<"$1"
  [ $failed = 0 ] || echo "size: if it is worth it: benches/size.sh --update, and commit" >&2
  return $failed
}

build
figures=$(parts)
case ${1-} in
  --check) check "$figures" ;;
  --update)
    page=${2:-$page}
    if [ -e "$page" ]; then sed -i "/^$heading/,\$d" "$page"; fi
    table "$figures" >>"$page"
    ;;
  *) table "$figures" ;;
esac
