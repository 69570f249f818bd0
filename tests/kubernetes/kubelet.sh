#!/usr/bin/env bash
# Builds the kubelet of Debian's source package "kubernetes" into FOLDER/kubelet. No binary package has it.
# 7 minutes of CPU time, 1.1 GB of disk meanwhile.
#
#   kubelet.sh FOLDER VERSION     VERSION as apt has it
set -euo pipefail

folder=$1 version=$2
. "$(dirname "$0")/../setup.sh"
rm -rf "$folder" && mkdir -p "$folder"/build/go/src/k8s.io
cd "$folder/build"

debian_source kubernetes "$version" "kubernetes-client=$version" "$PWD" go/src/k8s.io/kubernetes

release=${version##*really} # 1.20.5+really1.20.2-1.1
(
    cd go/src/k8s.io/kubernetes
    GO111MODULE=off GOPATH=$folder/build/go GOCACHE=$folder/build/cache GOFLAGS='' CGO_ENABLED=0 \
        go build -tags dockerless,providerless -trimpath -o "$folder/build/kubelet" \
        -ldflags "-s -w -X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v${release%%-*}" \
        ./cmd/kubelet
)
mv kubelet ../kubelet # the last step: what is there is whole
rm -rf "$folder/build"
