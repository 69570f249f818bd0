#!/bin/bash
# The test bed of the container tests: a dockerd (runc, crun), a containerd with its CRI plugin (runc, crun)
# and podman configurations (crun) of our own, for root and for another user, all with images made from
# scratch, all below the one folder $BED. It needs root, pulls nothing and has no network.
#
#   BED=FOLDER [IT_BIN=INIT] testbed.sh up      then:  . FOLDER/env
#   BED=FOLDER               testbed.sh down    stops what `up` started, by pid, and removes FOLDER
#
# Images, for all of them:
#   localhost/sexton/base:1   busybox in /bin, the init at /sexton, no entry point
#   localhost/sexton/init:1   the same with ENTRYPOINT ["/sexton", "--"]
#   localhost/sexton/debian:1 what the images of docker/examples are made from: base with the /etc and /var of
#                             some Debian packages, but without a /usr, for which the host's is mounted
# The init is also the engines' own, for `run --init` (Docker has it by the name docker-init), and what
# Podman has for catatonit, which holds its pods. By CRI, pods are held by localhost/sexton/pause:1, nothing
# but the init with ENTRYPOINT ["/sexton", "--pause"]. $BED/bundle is an OCI bundle of the first image's files.
set -euo pipefail

: "${BED:?set BED to a scratch folder}"
here=$(dirname "$(readlink -f "$0")")
mounts_below_bed() { awk -v bed="$BED/" 'index($2, bed) == 1 { print $2 }' /proc/mounts | sort -r; }

# crun refuses a hybrid cgroup set-up while cgroup v2 owns a controller (hugetlb is the usual one
# left there), so we mount that for v1. Each bed mounts its own: the kernel counts, and the last one
# to leave gives the controller back.
claim_hugetlb_for_cgroup_v1() {
    [ -e /sys/fs/cgroup/unified/cgroup.controllers ] || return 0
    mkdir "$BED/hugetlb"
    mount -t cgroup -o hugetlb cgroup "$BED/hugetlb"
}

make_rootfs() {
    mkdir -p "$BED"/rootfs/{bin,dev,etc,proc,sys,tmp}
    chmod 1777 "$BED/rootfs/tmp"
    cp "$(command -v busybox)" "$BED/rootfs/bin/busybox"
    (cd "$BED/rootfs/bin" && ./busybox --list | grep -vx busybox | xargs -n 1 ln -s busybox)
    cp -L "${IT_BIN:?set IT_BIN to the init that is tested}" "$BED/rootfs/sexton"
    chmod 755 "$BED/rootfs/sexton"
    cc -static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector -Os \
        -o "$BED/rootfs/bin/seccomp_main" "$here/../it/seccomp_main.c" # for seccomp.rs
    echo 'not a program' >"$BED/rootfs/etc/notexec"
    chmod 644 "$BED/rootfs/etc/notexec"
    cat >"$BED/rootfs/bin/cargo" <<'CARGO'
#!/bin/sh
# A stand-in, for the test of docker/Dockerfile: leaves the init where `cargo build --release
# --target TARGET` would.
for target; do :; done
mkdir -p "target/$target/release" && cp /sexton "target/$target/release/sexton"
CARGO
    chmod 755 "$BED/rootfs/bin/cargo"
    tar -C "$BED/rootfs" --numeric-owner --owner=0 --group=0 -cf "$BED/rootfs.tar" .
}

# A Debian system with the packages that software.rs runs, without copying them: /usr, by far the most of it, is
# mounted from the host when a container runs, as are /bin, /sbin, /lib and /lib64, which are links to it in Debian.
# Here is the rest. Busybox in /bin is for the RUN lines of a Dockerfile, when nothing is mounted.
make_debian() {
    local debian=$BED/debian
    cp -a "$BED/rootfs" "$debian"
    mkdir -p "$debian"/{usr,sbin,lib,lib64,root,run,srv,var/log,var/tmp}
    ln -s ../run "$debian/var/run"
    (cd / && cp -a --parents etc/{passwd,group,nsswitch.conf,alternatives,pam.d,security,login.defs} \
        etc/ld.so.c* etc/ssl/openssl.cnf "$debian")
    sed 's/:.*/:*:20000:0:99999:7:::/' /etc/passwd >"$debian/etc/shadow" # accounts without a password
    chmod 600 "$debian/etc/shadow"
    dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii //p' >"$debian/etc/packages"
    dpkg -L nginx-common redis-server postgresql-common openjdk-17-jre-headless cron-daemon-common cron openssh-server \
        apache2 haproxy php8.2-fpm php-common |
        sed -n 's#^/\(etc\|var\)/#\1/#p' | grep -Ev '^etc/(init.d|cron.[a-z]*ly)/' | sort -u |
        tar -C / -cf - --no-recursion -T - | tar -C "$debian" -xf -
    cp /usr/share/openssh/sshd_config "$debian/etc/ssh" # the package does it when it is configured
    cat >"$debian/bin/apt-get" <<'APT'
#!/bin/sh
# A stand-in: what is to be installed must be what the host has installed.
for word; do
    case $word in
        update | install | -*) ;;
        *) grep -qx "$word" /etc/packages || { echo "apt-get: the host has no package $word" >&2; exit 100; } ;;
    esac
done
APT
    chmod 755 "$debian/bin/apt-get"
    tar -C "$debian" --numeric-owner -cf "$BED/debian.tar" .
}

make_bundle() {
    mkdir "$BED/bundle"
    runc spec --bundle "$BED/bundle"
    jq --arg rootfs "$BED/rootfs" '
        .root.path = $rootfs
        | .process.terminal = false
        | .process.env = ["PATH=/bin"]
        | del(.process.rlimits)
    ' "$BED/bundle/config.json" >"$BED/bundle/config.new"
    mv "$BED/bundle/config.new" "$BED/bundle/config.json"
}

start_docker() {
    mkdir -p "$BED/docker/client"
    echo '{}' >"$BED/docker/client/config.json"
    ln -s "$BED/rootfs/sexton" "$BED/docker/docker-init"
    setsid dockerd --host "unix://$BED/docker/socket" --pidfile "$BED/docker/pid" \
        --data-root "$BED/docker/data" --exec-root "$BED/docker/exec" \
        --add-runtime crun="$(command -v crun)" --init-path "$BED/docker/docker-init" \
        --bridge=none --iptables=false --ip6tables=false --ip-forward=false \
        </dev/null >"$BED/docker/log" 2>&1 &
    dockerd=$!
}

# In a network namespace of its own, as its pods have the host's network: without CNI plugins there is no
# other. The last handler is runc with the other spelling of the pause's flag.
start_containerd() {
    mkdir -p "$BED"/containerd/{cni,modules}
    cat >"$BED/containerd/runc-P" <<'RUNC'
#!/bin/sh
[ ! -w config.json ] || sed -i 's/"--pause"/"-P"/' config.json
exec runc "$@"
RUNC
    chmod 755 "$BED/containerd/runc-P"
    cat >"$BED/containerd/config.toml" <<CONF
version = 2
root = "$BED/containerd/root"
state = "$BED/containerd/state"
[grpc]
  address = "$BED/containerd/socket"
[plugins."io.containerd.internal.v1.opt"]
  path = "$BED/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/sexton/pause:1"
  restrict_oom_score_adj = true # without CAP_SYS_RESOURCE a pause cannot have less than others
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = "$BED/containerd/cni"
CONF
    local handler
    for handler in runc crun "$BED/containerd/runc-P"; do
        cat >>"$BED/containerd/config.toml" <<CONF
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${handler##*/}]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${handler##*/}.options]
      BinaryName = "$(command -v "$handler")"
CONF
    done
    protoc --proto_path="$here/cri" --python_out="$BED/containerd/modules" runtime.proto
    setsid unshare --net sh -c 'busybox ip link set lo up && exec containerd --config "$1"' sh \
        "$BED/containerd/config.toml" </dev/null >"$BED/containerd/log" 2>&1 &
    containerd=$!
    echo "$containerd" >"$BED/containerd/pid"
}

await() { # PID LOG COMMAND...: waits until the command succeeds, while the process lives
    until "${@:3}" >/dev/null 2>&1; do
        kill -0 "$1" 2>/dev/null || { tail -n 20 "$2" >&2; exit 1; }
        sleep 0.05
    done
}

# Everything that podman keeps goes below $BED, its locks too. default_ulimits: its own default asks
# for more than the hard limits of a machine without CAP_SYS_RESOURCE.
configure_podman() {
    mkdir -p "$BED/podman/helpers"
    ln -s "$BED/rootfs/sexton" "$BED/podman/helpers/catatonit"
    cat >"$BED/podman/containers.conf" <<CONF
[containers]
netns = "none"
log_driver = "k8s-file"
init_path = "$BED/rootfs/sexton"
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
helper_binaries_dir = ["$BED/podman/helpers"]
tmp_dir = "$BED/podman/tmp"
volume_path = "$BED/podman/volumes"
CONF
    cat >"$BED/podman/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$BED/podman/storage"
runroot = "$BED/podman/run"
CONF
}

# $BED/bin/podman-rootless is podman as another user than root.
start_rootless() {
    mkdir "$BED/bin"
    chmod 711 "$BED" # its way is through here
    ln -s ../rootless/podman "$BED/bin/podman-rootless"
    setsid "$here/rootless.sh" "$BED/rootless" "$BED/rootfs/sexton" sleep infinity \
        </dev/null >"$BED/rootless.log" 2>&1 &
    rootless=$!
    await "$rootless" "$BED/rootless.log" test -x "$BED/rootless/podman"
    echo "$rootless" >"$BED/rootless/pid"
}

make_images() {
    local engine
    for engine in docker podman podman-rootless; do
        make_image "$engine" base:1 rootfs
        make_image "$engine" init:1 rootfs --change 'ENTRYPOINT ["/sexton", "--"]'
    done
    for engine in docker podman; do
        make_image "$engine" debian:1 debian \
            --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    done
    tar -C "$BED/rootfs" --numeric-owner --owner=0 --group=0 -c ./sexton |
        docker import --change 'ENTRYPOINT ["/sexton", "--pause"]' - localhost/sexton/pause:1 >/dev/null
    docker save --output "$BED/images.tar" localhost/sexton/{base,init,pause}:1
    ctr --address "$BED/containerd/socket" --namespace k8s.io images import "$BED/images.tar" >/dev/null
    # The plugin is told of them a little later.
    local image
    for image in base init pause; do
        await "$containerd" "$BED/containerd/log" cri_has "localhost/sexton/$image:1"
    done
}

cri_has() { # IMAGE
    printf 'ImageStatus\0image.image=%s\0\0' "$1" |
        "$here/cri/client.py" "$BED/containerd/socket" "$BED/containerd/modules" | grep -qa image.id=
}

make_image() { # ENGINE NAME FILES [OPTION...]
    "$1" import --change 'ENV PATH=/bin' "${@:4}" - "localhost/sexton/$2" \
        <"$BED/$3.tar" >/dev/null 2>"$BED/import.log" || { cat "$BED/import.log" >&2; exit 1; }
}

up() {
    mkdir -p "$BED"
    [ ! -e "$BED/env" ] || { echo "testbed.sh: $BED is up already" >&2; exit 1; }
    cat >"$BED/env" <<ENV
export BED=$BED
export PATH=$BED/bin:\$PATH
export DOCKER_HOST=unix://$BED/docker/socket
export DOCKER_CONFIG=$BED/docker/client
export CONTAINERS_CONF=$BED/podman/containers.conf
export CONTAINERS_STORAGE_CONF=$BED/podman/storage.conf
ENV
    . "$BED/env"
    claim_hugetlb_for_cgroup_v1
    make_rootfs
    make_debian
    make_bundle
    configure_podman
    start_docker
    start_containerd
    start_rootless
    await "$dockerd" "$BED/docker/log" docker version
    await "$containerd" "$BED/containerd/log" ctr --address "$BED/containerd/socket" version
    make_images
}

stop_daemon() { # FILE
    local pid
    if pid=$(cat "$BED/$1" 2>/dev/null) && kill "$pid" 2>/dev/null; then
        timeout 30 tail --pid="$pid" -f /dev/null || kill -KILL "$pid"
    fi
}

# What tests have left of their pods; each has a shim that would outlive containerd.
end_pods() {
    local ctr="ctr --address $BED/containerd/socket --namespace k8s.io" pod
    [ -S "$BED/containerd/socket" ] || return 0
    for pod in $($ctr tasks list --quiet 2>/dev/null); do
        $ctr tasks delete --force "$pod" >/dev/null 2>&1 || true
    done
}

down() {
    [ -e "$BED/env" ] || return 0 # not a bed, or none any more: leave it alone
    . "$BED/env"
    podman rm --force --all --time 0 >/dev/null 2>&1 || true
    podman-rootless rm --force --all --time 0 >/dev/null 2>&1 || true
    podman-rootless system migrate >/dev/null 2>&1 || true # ends the pause process
    stop_daemon rootless/pid
    local runtime
    for runtime in runc crun; do
        "$runtime" --root "$BED/$runtime" list --quiet 2>/dev/null |
            xargs -r -n 1 "$runtime" --root "$BED/$runtime" delete --force || true
    done
    end_pods
    stop_daemon docker/pid
    stop_daemon containerd/pid
    rmdir /sys/fs/cgroup/*/"${BED##*/}" "$BED/hugetlb/${BED##*/}" 2>/dev/null || true # of pods
    # The hierarchy lives on, without a mount, for as long as it has groups. Those of other beds are in it, too.
    if [ "$(grep -c ' cgroup .*\<hugetlb\>' /proc/mounts)" = 1 ]; then
        find "$BED/hugetlb" -mindepth 1 -depth -type d -delete || true
    fi
    mounts_below_bed | xargs -r umount
    rm -rf --one-file-system "$BED"
}

case ${1-} in
    up) up ;;
    down) down ;;
    *) echo "usage: BED=FOLDER [IT_BIN=INIT] testbed.sh up|down" >&2; exit 2 ;;
esac
