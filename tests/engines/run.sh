#!/usr/bin/env bash
# Today's engines, beside sexton: systems of Debian in folders of their own (debootstrap), in which docker, podman,
# containerd, runc, crun, bubblewrap, apptainer, lxc and others run the same cases with sexton and without. Takes
# minutes and two gigabytes; sid moves, so versions are read, and docs/compatibility.md says what ran. Fails if an
# engine could not run, or if a case with sexton is not what it should be. Needs root.
#
#   tests/engines/run.sh [ENGINE...]     those, or all: engines.py has their names. Only a run of all writes the page
#
#   ENGINES_SUITES="SUITE..."  instead of "sid bookworm"
#   ENGINES_FOLDER=FOLDER      where their systems are, or are to be (target/engines)
#   IT_BIN=FILE                test this init instead of the one that is built here
set -euo pipefail
cd "$(dirname "$0")/../.."
trap 'echo "tests/engines/run.sh: NOT PASSED (line $LINENO)" >&2' ERR
. tests/setup.sh
need_root
need_rust
folder=$(realpath -m "${CARGO_TARGET_DIR:-target}")
systems=$(realpath -m "${ENGINES_FOLDER:-$folder/engines}")
target=x86_64-unknown-linux-musl
packages=(docker.io docker-cli podman containerd runc crun conmon lxc bubblewrap systemd-container firejail rootlesskit
  apptainer buildah netavark proot squashfs-tools uidmap procps python3-grpcio python3-protobuf protobuf-compiler)

if [ -z "${IT_BIN-}" ]; then
  cargo build --locked --release --bin sexton --target "$target"
  IT_BIN=$folder/$target/release/sexton
fi

# Control groups of its own, so that whatever an engine leaves there can be removed.
groups=()
for hierarchy in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do
  [ -e "$hierarchy/cgroup.procs" ] || continue
  group=$hierarchy/sexton-engines.$$
  mkdir "$group"
  groups+=("$group")
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "$hierarchy/$file" ] || [ ! -e "$group/$file" ] || cat "$hierarchy/$file" >"$group/$file" 2>/dev/null || :
  done
  [ ! -e "$group/cgroup.clone_children" ] || echo 1 >"$group/cgroup.clone_children" # lxc needs it for its own below
done
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sexton-engines.XXXXXX")
tidy() {
  local group
  for group in "${groups[@]}"; do find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :; done
  rm -rf "$scratch"
}
trap tidy EXIT
install -m 755 "$IT_BIN" "$scratch/sexton"
cp tests/engines/*.py tests/containers/cri/runtime.proto "$scratch"
mkdir "$scratch/out"

# PID 1 of each namespace is a shell: with it ends whatever was started there, and nothing else.
status=0
for suite in ${ENGINES_SUITES:-sid bookworm}; do
  debian_system "$suite" "$systems/$suite" "${packages[@]}"
  (
    for group in "${groups[@]}"; do echo "$BASHPID" >"$group/cgroup.procs"; done
    exec unshare --mount --pid --fork --kill-child --cgroup --net --propagation private \
      bash tests/engines/inside.sh "$scratch" "$systems/$suite" "$suite" "$@"
  ) || status=$?
done
[ $# -gt 0 ] || python3 tests/engines/page.py "$scratch/out" docs/compatibility.md
if [ "$status" != 0 ]; then
  echo "tests/engines/run.sh: FAILED" >&2
  exit 1
fi
