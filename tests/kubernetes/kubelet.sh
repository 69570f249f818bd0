#!/usr/bin/env bash
# Builds the kubelet of Debian's source package "kubernetes" into FOLDER/kubelet. No binary package has it.
# 7 minutes of CPU time, 1.1 GB of disk meanwhile.
#
#   kubelet.sh FOLDER VERSION     VERSION as apt has it
set -euo pipefail

folder=$1 version=$2
rm -rf "$folder" && mkdir -p "$folder"/build/{lists/partial,go/src/k8s.io}
cd "$folder/build"

# The source package: from where the binary ones come, through lists of our own, as the machine may have none for sources.
archive=$(apt-get -qq --print-uris download "kubernetes-client=$version" | sed -n "s|^'\(.*\)/pool/.*|\1|p")
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${archive:?} $suite main" >sources.list
own_lists=(-qq -o APT::Sandbox::User=root -o "Dir::Etc::SourceList=$PWD/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$PWD/lists" -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache=)
apt-get "${own_lists[@]}" update
apt-get "${own_lists[@]}" source --download-only "kubernetes=$version"
dpkg-source --no-check -x ./*.dsc go/src/k8s.io/kubernetes >/dev/null # apt has checked it

release=${version##*really} # 1.20.5+really1.20.2-1.1
(
    cd go/src/k8s.io/kubernetes
    GO111MODULE=off GOPATH=$folder/build/go GOCACHE=$folder/build/cache GOFLAGS='' CGO_ENABLED=0 \
        go build -tags dockerless,providerless -trimpath -o "$folder/build/kubelet" \
        -ldflags "-s -w -X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v${release%%-*}" ./cmd/kubelet
)
mv kubelet ../kubelet # the last step: what is there is whole
rm -rf "$folder/build"
