#!/usr/bin/env bash
# gVisor of 2022-12-19 (Debian 12, runsc 0.0~20221219.0-2+b3): who owns the host's /dev/null after a container whose
# standard input was /dev/null, as it is for all that a service manager or a cron job starts.
# Seen:    before 0:0, after 65534:65534. It stays so when the container is gone, until the machine is booted or
#          somebody changes it back. With standard input from a pipe the device keeps its owner.
# Guessed: /dev/null is nobody's to give away. runc makes its container's user the owner of the standard streams as
#          well, but has an exception for this device.
# Why:     the sandbox runs as nobody (65534), and runsc changes the owner of the three streams that it hands over
#          (runsc/sandbox, where the sandbox's process is made), whatever they are.
# So:      give such a container a pipe or a file, and do not take the owner of /dev/null for granted.
set -euo pipefail # Exit status: 0 if all of this is still so. It must run as root; the real /dev/null stays as it is.
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root runsc=0.0~20221219.0-2+b3 busybox-static=1:1.35.0-4+deb12u1+b1
for package in *.deb; do dpkg-deb -x "$package" root; done
mkdir -p bundle/rootfs/bin
cp root/bin/busybox bundle/rootfs/bin/true
cat >bundle/config.json <<'JSON'
{"ociVersion": "1.0.0", "root": {"path": "rootfs"},
 "process": {"args": ["/bin/true"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "network"}]}}
JSON
cat >inside <<'SCRIPT'
# Another device of the same kind, which stands for the host's.
mknod null c 1 3
mount --bind null /dev/null
mount -t tmpfs tmpfs /run
run() {
  root/usr/bin/runsc --root "$PWD/state" --network=none --platform=ptrace --ignore-cgroups run -bundle bundle "$1"
}
stat -c 'before: %u:%g' /dev/null
: | run first 2>&1 | cat
stat -c 'after a container with a pipe: %u:%g' /dev/null
run second </dev/null 2>&1 | cat
stat -c 'after one with /dev/null: %u:%g' /dev/null
SCRIPT
root/usr/bin/runsc --version | sed -n 1p
timeout -s KILL 60 unshare --mount --pid --fork --kill-child --mount-proc bash inside | tee result
diff - result <<'EXPECTED'
before: 0:0
after a container with a pipe: 0:0
after one with /dev/null: 65534:65534
EXPECTED
