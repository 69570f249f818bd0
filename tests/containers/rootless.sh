#!/bin/bash
# Podman without root, with sexton in catatonit's file: prints what the pause process is that holds the user
# namespace, and what a second podman sees in it. Changes nothing outside of a mount namespace and FOLDER.
#
#   rootless.sh INIT FOLDER          FOLDER is new, and is removed
set -euo pipefail
if [ "${3-}" != inside ]; then
    exec unshare --mount --propagation private "$0" "$1" "$2" inside
fi
user=12345
mkdir -p "$2"/{home,run}
trap 'rm -rf "$2"' EXIT
cp "$1" "$2/init"
chmod 755 "$2" "$2/init"
chown "$user:$user" "$2/home" "$2/run"
chmod 700 "$2/run"
bind() { # FILE: seen as what stdin has
    cat >"$2" && touch "$1" && mount --bind "$2" "$1"
}
{ cat /etc/passwd; echo "rootless:x:$user:$user::$2/home:/bin/sh"; } | bind /etc/passwd "$2/passwd"
{ cat /etc/group; echo "rootless:x:$user:"; } | bind /etc/group "$2/group"
echo "rootless:100000:65536" | bind /etc/subuid "$2/subuid"
echo "rootless:100000:65536" | bind /etc/subgid "$2/subgid"
mount --bind "$2/init" "$(readlink -f /usr/libexec/podman/catatonit)"
cd /
as_user() {
    setpriv --reuid "$user" --regid "$user" --init-groups env -i PATH="$PATH" HOME="$2/home" XDG_RUNTIME_DIR="$2/run" \
        timeout 60 podman --cgroup-manager cgroupfs "${@:3}"
}
as_user "$1" "$2" unshare true
pause=$(cat "$2/run/libpod/tmp/pause.pid")
tr '\0' ' ' <"/proc/$pause/cmdline"
cmp -s "/proc/$pause/exe" "$1" && echo "is the init"
readlink "/proc/$pause/ns/user" >"$2/namespace"
[ "$(as_user "$1" "$2" unshare readlink /proc/self/ns/user)" = "$(cat "$2/namespace")" ] && echo "is joined"
kill -TERM "$pause"
while [ -e "/proc/$pause" ] && ! grep -q '^State:.Z' "/proc/$pause/status"; do :; done
echo "has ended"
