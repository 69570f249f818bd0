#!/usr/bin/env bash
# Passes the tests: installs what is missing, then runs them. Needs root. What is skipped or ignored is a failure.
#
#   bash tests/run.sh [ARGUMENT...]   all: unit tests, tests/it, examples in comments; some four minutes. Arguments go
#                                     to `cargo test`, such as --lib, or --test it -- NAME
#   bash tests/run.sh --quick         what takes no longer than a moment: under a minute, once all is built
#   bash tests/run.sh --help          shows this
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
--help | -h) exec sed -n '2,/^set/s/^# \{0,1\}//p' tests/run.sh ;;
esac

# Tests execute what is built, and read the clone, as other users, too.
for folder in "$PWD" "$(realpath -m "${CARGO_TARGET_DIR:-target}")"; do
  while [ "$folder" != / ]; do
    if [ -d "$folder" ] && [ $((0$(stat -c %a "$folder") & 1)) = 0 ]; then
      echo "tests/run.sh: other users cannot enter $folder, which the tests need:" \
        "move the clone, or 'chmod o+x $folder'" >&2
      exit 1
    fi
    folder=$(dirname "$folder")
  done
done

. tests/setup.sh
need_root
need_rust
need unshare:util-linux nsenter:util-linux setpriv:util-linux script:bsdutils /usr/bin/python3:python3 \
    /usr/lib/python3/dist-packages/jsonschema:python3-jsonschema \
    /usr/bin/tini:tini /usr/bin/dumb-init:dumb-init /usr/bin/catatonit:catatonit /usr/sbin/gosu:gosu \
    /usr/sbin/nginx:nginx-light \
    dash:dash busybox:busybox-static vi:vim-tiny less:less make:make strace:strace perl:perl-base \
    mandoc:mandoc zsh:zsh fish:fish /usr/lib/python3/dist-packages/yaml:python3-yaml # for the documentation

# Left out of the quick set: what takes seconds, because it waits for a time-out or tries very much.
slow=(classics:: confine:: contention:: drop_in:: exit_report:: foreign:: helpless:: parsers:: seccomp:: slow_stop::
  start:: storms:: _orphans_ every_exit_status_passes death_by_any_signal the_command_s_status_is_not_lost five_thousand
  thousands_of_processes may_vanish on_a_terminal_lines_fit a_zombie_is_shown_with the_advice_fits_the_parent
  a_tcp_server_that_never_reads what_a_wrapper_leaves what_ignores_sigterm everything_was_frozen
  a_limit_that_the_command_has_hit grace_0_kills_at_once held_up_is_explained nothing_outside_is_hit zsh_completes)
if [ "${1:-}" = --quick ]; then
  shift
  cargo build --locked --examples # which --lib and --test leave out
  set -- --lib --test it "$@" -- "${slow[@]/#/--skip=}"
fi

output=$(mktemp)
trap 'rm -f "$output"' EXIT
CI=1 cargo test --locked "$@" 2>&1 | tee "$output"
if grep -qE '^test result: .* [1-9][0-9]* ignored|^left out' "$output"; then
  echo "tests were left out" >&2
  exit 1
fi
