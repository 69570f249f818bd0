#!/bin/bash
# A Kubernetes node of one machine, without an API server: a containerd and a kubelet that runs the manifests of a
# folder (static pods). All in namespaces of its own: processes, mounts, network, control groups. So nothing of the
# host is changed, and when PID 1 of the PID namespace ends, all has ended.
#
#   node.sh start FOLDER KUBELET INIT    runs until it is killed; FOLDER then has
#                                        manifests/   what the kubelet runs
#                                        pods/        the containers' output, as /var/log/pods
#                                        events       what containerd says of its containers
#                                        *.log        what the daemons say
set -euo pipefail

# Control groups of our own, in every hierarchy of version 1, and a view of them that begins there. hugetlb is among
# them wherever the kernel has it: containerd is confused if somebody else, such as another test, makes a hierarchy of
# it.
mount_hierarchies() { # FOLDER
    local controllers
    grep -q '^[0-9]*:\([^:]*,\)\?memory[,:]' /proc/self/cgroup ||
        { echo "node.sh: this needs control groups of version 1, as the kubelet is of their time" >&2; exit 1; }
    mkdir -p "$1"
    mount -t tmpfs tmpfs "$1"
    {
        sed -n 's/^[1-9][0-9]*:\([^:]*\):.*/\1/p' /proc/self/cgroup
        awk '$1 == "hugetlb" { print $1 }' /proc/cgroups
    } | sort -u |
        while read -r controllers; do
            mkdir "$1/${controllers#name=}"
            mount -t cgroup -o "$controllers" cgroup "$1/${controllers#name=}"
        done
}
make_groups() {
    local group
    for group in "$bed"/cgroup/*; do
        mkdir "$group/$name"
        [ ! -e "$group/cpuset.cpus" ] || { cat "$group/cpuset.cpus" >"$group/$name/cpuset.cpus" &&
            cat "$group/cpuset.mems" >"$group/$name/cpuset.mems"; }
    done
}
enter_groups() {
    local group
    for group in "$bed"/cgroup/*; do
        echo "$BASHPID" >"$group/$name/cgroup.procs"
    done
}
remove_groups() { # they are empty, as all processes have ended
    local group
    find "$bed"/cgroup/*/"$name" -depth -type d | while read -r group; do
        until rmdir "$group" 2>/dev/null || [ ! -e "$group" ]; do sleep 0.1; done
    done
}

# Inside of the namespaces from here on.
mount_cgroups() {
    awk '$3 ~ "^cgroup" { print $2 }' /proc/mounts | xargs umount # of the whole machine; other tests' too
    mount -t sysfs sysfs /sys
    mount_hierarchies /sys/fs/cgroup
}

# Folders that the daemons have in their code.
own_folders() {
    local folder
    for folder in run var/lib var/log; do
        mkdir -p "$bed/host/$folder"
        mount --bind "$bed/host/$folder" "/$folder"
    done
    mkdir -p /var/log/pods
    ln -sfn "$bed/host/var/log/pods" "$bed/pods"
    # The kubelet sets these for the whole machine.
    for folder in kernel/panic kernel/panic_on_oops vm/overcommit_memory; do
        cat "/proc/sys/$folder" >"$bed/host/${folder//\//.}"
        mount --bind "$bed/host/${folder//\//.}" "/proc/sys/$folder"
    done
}

start_containerd() {
    mkdir -p "$bed/cni"
    cat >"$bed/cni/node.conflist" <<'CNI'
{ "cniVersion": "0.4.0", "name": "node", "plugins": [
  { "type": "bridge", "bridge": "pods", "isGateway": true,
    "ipam": { "type": "host-local", "subnet": "10.88.0.0/16" } } ] }
CNI
    cat >"$bed/containerd.toml" <<TOML
version = 2
root = "$bed/containerd/root"
state = "$bed/containerd/state"
[grpc]
  address = "$bed/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$bed/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/example/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$bed/cni"
TOML
    containerd --config "$bed/containerd.toml" >"$bed/containerd.log" 2>&1 &
    until ctr --address "$bed/containerd.sock" version >/dev/null 2>&1; do
        kill -0 $! || { tail "$bed/containerd.log" >&2; exit 1; }
        sleep 0.1
    done
    local image
    for image in "$bed"/images/*.tar; do
        ctr --address "$bed/containerd.sock" --namespace k8s.io images import "$image" >/dev/null
    done
    ctr --address "$bed/containerd.sock" --namespace k8s.io events >"$bed/events" &
}

# cgroupsPerQOS: otherwise this kubelet, when it tidies its groups up, kills a static pod that it is just stopping and
# that has no volume, whatever its grace period is.
run_kubelet() {
    mkdir -p "$bed/manifests"
    cat >"$bed/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
staticPodPath: $bed/manifests
readOnlyPort: 10255
address: 127.0.0.1
authentication: { anonymous: { enabled: true }, webhook: { enabled: false } }
authorization: { mode: AlwaysAllow }
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
resolvConf: ""
failSwapOn: false
makeIPTablesUtilChains: false
volumePluginDir: $bed/kubelet/plugins
maxOpenFiles: 20000
oomScoreAdj: 0
imageGCHighThresholdPercent: 100
evictionHard: { memory.available: 1Mi }
YAML
    exec "$1" --config "$bed/kubelet.yaml" --root-dir "$bed/kubelet" --cert-dir "$bed/kubelet/certificates" \
        --container-runtime remote --container-runtime-endpoint "unix://$bed/containerd.sock" \
        --pod-infra-container-image docker.io/example/pause:1 --hostname-override node --v 2 >"$bed/kubelet.log" 2>&1
}

action=$1 bed=$2 name=sexton-$(basename "$2")
case $action in
    start)
        exec unshare --mount "$0" stay "$2" "$3" "$4"
        ;;
    stay)
        trap : INT TERM # whoever sends them to all ends the node too
        mount_hierarchies "$bed/cgroup"
        make_groups
        (enter_groups && exec unshare --cgroup --mount --net --ipc --uts --pid --fork --kill-child --mount-proc \
            "$4" -- "$0" inside "$bed" "$3") &
        echo $! >"$bed/unshare.pid"
        while kill -0 $! 2>/dev/null; do wait $! || true; done
        remove_groups
        ;;
    inside)
        mount_cgroups
        own_folders
        ip link set lo up
        start_containerd
        run_kubelet "$3"
        ;;
esac
