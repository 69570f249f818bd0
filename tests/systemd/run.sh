#!/usr/bin/env bash
# Units with ExecStart=sexton, under a systemd of their own: a user manager in namespaces and control groups of its own,
# which ends with them. What docs/systemd.md says is tried here. Needs root, and the machine's systemd (a package; it
# need not be running). Some 20 s.
#
#   SYSTEMD_SUITE=sid      the systemd of that suite of Debian instead, in a system of its own (debootstrap)
#   SYSTEMD_FOLDER=FOLDER  where that system is, or is to be (target/systemd)
#   IT_BIN=FILE            test this init instead of the one that is built here
set -euo pipefail
cd "$(dirname "$0")/../.."
trap 'echo "tests/systemd/run.sh: NOT PASSED (line $LINENO)" >&2' ERR
. tests/setup.sh
need_root
need_rust
folder=$(realpath -m "${CARGO_TARGET_DIR:-target}")
root=
if [ -n "${SYSTEMD_SUITE-}" ]; then
  root=$(realpath -m "${SYSTEMD_FOLDER:-$folder/systemd}")/$SYSTEMD_SUITE
  debian_system "$SYSTEMD_SUITE" "$root" systemd
else
  need /lib/systemd/systemd:systemd python3:python3
fi
if [ -z "${IT_BIN-}" ]; then
  cargo build --locked --release --bin sexton --target x86_64-unknown-linux-musl
  IT_BIN=$folder/x86_64-unknown-linux-musl/release/sexton
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sexton-systemd.XXXXXX")
install -m 755 "$IT_BIN" "$scratch/sexton"
groups=()
for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  [ -e "$hierarchy/cgroup.procs" ] || continue
  mkdir "$hierarchy/sexton-systemd.$$"
  groups+=("$hierarchy/sexton-systemd.$$")
done
tidy() {
  local group
  for group in "${groups[@]}"; do find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :; done
  rm -rf "$scratch"
}
trap tidy EXIT
(
  for group in "${groups[@]}"; do echo "$BASHPID" >"$group/cgroup.procs"; done
  exec timeout 120 unshare --mount --pid --fork --kill-child --cgroup --net --propagation private \
    bash tests/systemd/inside.sh "$scratch" "$root"
)
