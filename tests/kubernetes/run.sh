#!/usr/bin/env bash
# sexton in Kubernetes, on demand: a real kubelet and containerd run the manifests of docs/kubernetes, and what becomes
# of each pod is checked. The kubelet is version 1.20, the one that Debian 12 has the source of; it is built once, which
# takes some minutes, into ~/.cache/sexton. The rest takes about 2 minutes. Installs what it needs. Needs root, and
# control groups of version 1 (or both).
#
#   IT_BIN=FILE    test this init instead of the one that is built here
#   KEEP=yes       leave the logs when all has passed, too
set -euo pipefail
cd "$(dirname "$0")/../.."
trap 'echo "tests/kubernetes/run.sh: NOT PASSED (line $LINENO)" >&2' ERR

. tests/setup.sh
need_root
need_rust
need containerd:containerd ctr:containerd runc:runc /usr/lib/cni/bridge:containernetworking-plugins \
    busybox:busybox-static jq:jq curl:curl ip:iproute2 unshare:util-linux nsenter:util-linux pgrep:procps
target=x86_64-unknown-linux-musl
if [ -z "${IT_BIN-}" ]; then
    cargo build --locked --release --bin sexton --target "$target"
    IT_BIN=$(realpath "${CARGO_TARGET_DIR:-target}/$target/release/sexton")
fi

kubelet_version() { apt-cache policy kubernetes-client | awk '/Candidate:/ && $2 != "(none)" { print $2 }'; }
version=$(kubelet_version)
[ -n "$version" ] || { apt-get update -qq; version=$(kubelet_version); } # the lists may not be there
kubelet=${XDG_CACHE_HOME:-$HOME/.cache}/sexton/kubelet-${version:?apt has no kubernetes-client}
if [ ! -x "$kubelet/kubelet" ]; then
    need go:golang-go dpkg-source:dpkg-dev
    echo "building the kubelet $version" >&2
    tests/kubernetes/kubelet.sh "$kubelet" "$version"
fi

# The images: all but that of sexton have busybox.
bed=$(mktemp -d "${TMPDIR:-/tmp}/sexton-kubernetes.XXXXXX")
mkdir -p "$bed"/{images,manifests,kept,root/bin,root/tmp}
chmod 1777 "$bed/root/tmp"
tar_of() { tar -C "$bed/root" --numeric-owner --owner=0 --group=0 -cf "$bed/$1.layer" .; }
image() { # NAME LAYER ENTRYPOINT: an archive as `docker save` makes them
    local folder=$bed/image digest
    mkdir "$folder"
    cp "$bed/$2.layer" "$folder/layer.tar"
    digest=$(sha256sum "$folder/layer.tar" | cut -d ' ' -f 1)
    jq -n --arg digest "sha256:$digest" --argjson entry "$3" '{ architecture: "amd64", os: "linux",
        config: { Entrypoint: $entry, Env: ["PATH=/bin"] },
        rootfs: { type: "layers", diff_ids: [$digest] } }' >"$folder/config.json"
    jq -n --arg name "docker.io/example/$1:1" \
        '[{ Config: "config.json", RepoTags: [$name], Layers: ["layer.tar"] }]' >"$folder/manifest.json"
    tar -C "$folder" -cf "$bed/images/$1.tar" .
    rm -r "$folder"
}
cp -L "$(command -v busybox)" "$bed/root/bin/busybox"
(cd "$bed/root/bin" && ./busybox --list | grep -vx busybox | xargs -n 1 ln -s busybox)
tar_of plain
cp -L "$IT_BIN" "$bed/root/sexton"
chmod 755 "$bed/root/sexton"
tar_of app
rm -r "$bed/root/bin"
tar_of sexton
image plain plain null
image sexton sexton '["/sexton"]'
image app app '["/sexton", "--"]'
image pause sexton '["/sexton", "--pause"]'

# The node.
tests/kubernetes/node.sh start "$bed" "$kubelet/kubelet" "$IT_BIN" >"$bed/node.log" 2>&1 &
outside=$! # which stays until all is gone
node='' failed=0 passed=0
find_pid_1() { [ -s "$bed/unshare.pid" ] && node=$(pgrep -P "$(cat "$bed/unshare.pid")"); }
finish() {
    local status=$?
    find_pid_1 || true
    [ -z "$node" ] || kill "$node" 2>/dev/null || true # PID 1 there: sexton, which ends all the others
    wait "$outside" || true
    if [ "$status" = 0 ] && [ -z "${KEEP-}" ]; then rm -rf "$bed"; else echo "the logs are in $bed" >&2; fi
}
trap finish EXIT

# wait_for COMMAND... : until it succeeds, for 3 minutes.
wait_for() {
    local end=$((SECONDS + 180))
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        if ! kill -0 "$outside" 2>/dev/null; then
            echo "the node has ended:" >&2
            tail "$bed"/{node,containerd,kubelet}.log >&2
            exit 1
        fi
        sleep 0.2
    done
}
# check NAME COMMAND... : whether it succeeds.
check() {
    local name=$1
    shift
    if "$@"; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "FAILED $name: $*"
        failed=$((failed + 1))
    fi
}
eventually() { check "$1" wait_for "${@:2}"; }
is() { [ "$1" = "$2" ] || { echo "  it is: $1"; false; }; }

in_node() { nsenter --target "$node" --net --pid --mount "$@"; }
ctr() { in_node ctr --address "$bed/containerd.sock" --namespace k8s.io "$@"; }
# The pod's status as the kubelet has it, where an API server would have it from.
pod() { # POD FILTER
    in_node curl -sf http://127.0.0.1:10255/pods |
        jq -r --arg name "$1-node" '(.items // [])[] | select(.metadata.name == $name) | '"$2"
}
container() { pod "$1" ".status.containerStatuses[] | select(.name == \"$2\") | $3"; }
container_id() { container "$1" "$2" '.containerID | ltrimstr("containerd://")'; }
sandbox_id() {
    ctr containers list -q "labels.\"io.kubernetes.pod.name\"==$1-node,labels.\"io.cri-containerd.kind\"==sandbox"
}
host_pid() { ctr tasks list | awk -v id="$1" '$1 == id { print $2 }'; } # as the node counts
command_of() { in_node cat "/proc/$1/cmdline" | tr '\0\n' '  ' | sed 's/ $//'; }
# What a container has written, all its lives; the file lives on here when the kubelet removes it.
output() { cat "$bed/kept/$1.$2".* 2>/dev/null | cut -d ' ' -f 4- || true; }
keep() { # POD CONTAINER
    local file
    for file in "$bed"/host/var/log/pods/default_"$1"-node_*/"$2"/*.log; do
        [ ! -e "$file" ] || ln -f "$file" "$bed/kept/$1.$2.${file##*/}"
    done
}
says() { keep "$1" "$2"; output "$1" "$2" | grep -qF -e "$3"; } # POD CONTAINER TEXT
says_in_order() { # POD CONTAINER TEXT... : lines that begin so, each after the one before
    local text rest behind='found { print } index($0, text) == 1 { found = 1 } END { exit !found }'
    rest=$(output "$1" "$2")
    for text in "${@:3}"; do
        rest=$(awk -v text="$text" "$behind" <<<"$rest") ||
            { echo "  no \"$text\" where it is expected, in:"; output "$1" "$2" | sed 's/^/    /'; return 1; }
    done
}
ends_with() { # CONTAINER_ID STATUS : containerd has seen its end
    local event
    event=$(exit_of "$1")
    is "$(jq '.exit_status // 0' <<<"$event")" "$2"
}
exit_of() { # from the one line of it: ID is the container's, not that of a process that was executed in it
    sed -n 's|^.* /tasks/exit ||p' "$bed/events" | jq -c --arg id "$1" 'select(.container_id == $id and .id == $id)'
}
has_ended() { [ -n "$(exit_of "$1")" ]; }
# What `kubectl delete` does to a pod; the kubelet takes a static one away when its manifest is.
delete() { rm "$bed/manifests/$1.yaml"; }
is_gone() {
    local name
    name=$(pod "$1" .metadata.name) && [ -z "$name" ]
}
zombies_of() { # PID : the zombies that it has for children
    in_node sh -c 'cat /proc/[0-9]*/stat 2>/dev/null' | sed 's/.*) //' |
        awk -v parent="${1:?}" '$1 == "Z" && $2 == parent' | wc -l
}
no_zombies_of() { [ "$(zombies_of "$1")" = 0 ]; }

find_node() { find_pid_1 && pod . . >/dev/null 2>&1; }
wait_for find_node
echo "the kubelet $version runs"
mkdir "$bed/new"
cp docs/kubernetes/*.yaml tests/kubernetes/pods/*.yaml "$bed/new"
mv "$bed"/new/*.yaml "$bed/manifests/" # whole files: the kubelet looks at once

. tests/kubernetes/checks.sh

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
