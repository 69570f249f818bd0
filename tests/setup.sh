#!/usr/bin/env bash
# Installs what building and testing sexton needs and this machine lacks. Meant to be sourced:
#   . tests/setup.sh; need_rust; need unshare:util-linux
# On a machine that has it all, it changes nothing.

# need COMMAND:PACKAGE... : installs the Debian packages of those commands, or files, that are missing.
# The packages' own daemons are not started (RUNLEVEL=1).
need() {
  local missing=() pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || [ -e "/usr/sbin/${pair%%:*}" ] || [ -e "${pair%%:*}" ] ||
      missing+=("${pair#*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "setup: installing ${missing[*]}" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# The stable toolchain by rustup, and a C linker and library for build scripts.
need_rust() {
  need cc:gcc ld:binutils /usr/include/stdlib.h:libc6-dev
  if ! command -v rustup >/dev/null && [ -r "$HOME/.cargo/env" ]; then
    . "$HOME/.cargo/env"
  fi
  if ! command -v rustup >/dev/null; then
    need curl:curl /etc/ssl/certs/ca-certificates.crt:ca-certificates
    echo "setup: installing Rust into $HOME, by the script of https://rustup.rs" >&2
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal
    . "$HOME/.cargo/env"
  fi
  rustup -q component add rustfmt clippy
  rustup -q target add x86_64-unknown-linux-musl
}

# debian_lists KIND ARCHIVE SUITE SCRATCH : fetches lists of packages into SCRATCH, deb or deb-src, which the machine
# may not have, and leaves its own alone. `apt` are the options that make APT use them.
debian_lists() {
  mkdir -p "$4/lists/partial"
  echo "$1 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${2:?} $3 main" >"$4/sources.list"
  apt=(-qq -o APT::Sandbox::User=root -o "Dir::Etc::SourceList=$4/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$4/lists" -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache=)
  apt-get "${apt[@]}" update
}

# debian_source PACKAGE VERSION BINARY SCRATCH FOLDER : unpacks a source package of Debian into FOLDER. It comes from
# where the binary package does.
debian_source() {
  local archive suite apt
  archive=$(apt-get -qq --print-uris download "$3" | sed -n "s|^'\(.*\)/pool/.*|\1|p")
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  debian_lists deb-src "$archive" "$suite" "$4"
  (cd "$4" && apt-get "${apt[@]}" source --download-only "$1=$2")
  dpkg-source --no-check -x "$4/$1"_*.dsc "$5" >/dev/null # apt has checked it
}

# debian_system SUITE ROOT PACKAGE... : makes a system of that suite in the folder ROOT, with those of the packages that
# the suite has. A system that is there already stays as it is.
debian_system() {
  local suite=$1 root=$2 archive package found=()
  shift 2
  [ ! -e "$root/.complete" ] || return 0
  need debootstrap:debootstrap
  archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -v security |
    head -1)
  mkdir -p "$root"
  debootstrap --variant=minbase --include=busybox-static,iproute2,python3 "$suite" "$root" "$archive"
  for package; do
    [ -z "$(chroot "$root" apt-cache search --names-only "^$package\$")" ] || found+=("$package")
  done
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  chroot "$root" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends "${found[@]}"
  touch "$root/.complete"
}

need_root() {
  [ "$(id -u)" = 0 ] || { echo "this needs root: it makes PID namespaces" >&2; exit 1; }
}
