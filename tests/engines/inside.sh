# run.sh runs this as PID 1 of namespaces of its own: enters the system of the suite, and has cases.py run there.
#   inside.sh SCRATCH ROOT SUITE [ENGINE...]
set -euo pipefail
scratch=$1 root=$2 suite=$3
shift 3
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
chmod 1777 "$root/tmp"
groups=$root/sys/fs/cgroup
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 "$groups"
else
  # As seen from the groups that are this namespace's roots. crun refuses a hybrid set-up while cgroup v2 has a
  # controller: hugetlb is the usual one.
  names=$(awk '$3 == "cgroup" { n = split($2, part, "/"); print part[n] }' /proc/mounts | sort -u)
  mount -t tmpfs tmpfs "$groups"
  for name in $names hugetlb; do
    mkdir -p "$groups/$name"
    case $name in systemd) options=none,name=systemd ;; *) options=$name ;; esac
    mount -t cgroup -o "$options" cgroup "$groups/$name" 2>/dev/null || rmdir "$groups/$name"
  done
  mkdir "$groups/unified"
  mount -t cgroup2 cgroup2 "$groups/unified"
fi
mkdir "$root/tmp/engines"
mount --bind "$scratch" "$root/tmp/engines"
cd "$root"
# chroot(2) would do for the commands, but runtimes move their own root.
pivot_root . mnt
umount -l /mnt
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
ip link set lo up
python3 /tmp/engines/cases.py "$suite" "$@"
