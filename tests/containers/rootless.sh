#!/bin/bash
# Runs a command in a mount namespace where a user other than root can use podman. What there is to change for
# that (users, their ranges of IDs, catatonit, which is INIT there) is changed in that namespace only.
#
#   rootless.sh FOLDER INIT COMMAND [ARGUMENT...]
#
# FOLDER is new, and holds all that podman keeps. While the command runs, FOLDER/podman is podman as that user,
# also from outside of the namespace.
set -euo pipefail
if [ "${1-}" != inside ]; then
    exec unshare --mount --propagation private "$0" inside "$@"
fi
folder=$2 init=$3 user=12345
mount --make-rshared / # within this namespace; podman warns otherwise
mkdir -p "$folder"/{home,run}
cp "$init" "$folder/init"
chmod 755 "$folder" "$folder/init"
chown "$user:$user" "$folder/home" "$folder/run"
chmod 700 "$folder/run"
bind() { # FILE: seen as what stdin has
    cat >"$folder/${1##*/}" && touch "$1" && mount --bind "$folder/${1##*/}" "$1"
}
{ cat /etc/passwd; echo "rootless:x:$user:$user::$folder/home:/bin/sh"; } | bind /etc/passwd
{ cat /etc/group; echo "rootless:x:$user:"; } | bind /etc/group
echo "rootless:100000:65536" | bind /etc/subuid
echo "rootless:100000:65536" | bind /etc/subgid
mount --bind "$folder/init" "$(readlink -f /usr/libexec/podman/catatonit)"
# Without a control group of its own (cgroup v1 has none for users), podman cannot make any.
cat >"$folder/containers.conf" <<CONF
[containers]
netns = "none"
log_driver = "k8s-file"
init_path = "$folder/init"
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
CONF
cat >"$folder/podman" <<PODMAN
#!/bin/sh
exec nsenter --target $$ --mount setpriv --reuid $user --regid $user --clear-groups env -i PATH=$PATH \\
    HOME=$folder/home XDG_RUNTIME_DIR=$folder/run CONTAINERS_CONF=$folder/containers.conf \\
    podman --storage-driver vfs "\$@"
PODMAN
chmod 755 "$folder/podman"
cd /
exec "${@:4}"
