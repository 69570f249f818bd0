# Gathers the inits that are measured in a folder, each with a file NAME.txt that says what it is. Meant to be
# sourced, after tests/setup.sh:
#   gather_peers FOLDER      from Debian
#   gather_sources FOLDER    built for musl from Debian's sources: half a minute at first
#   gather_pid1 FOLDER       from crates.io, a minute at first
#   gather_tino FOLDER       from crates.io, minutes at first
# What is there already stays.

musl=x86_64-unknown-linux-musl

# from_debian FOLDER FILE PACKAGE KIND
from_debian() {
  local version
  version=$(dpkg-query -W -f '${Version}' "$3")
  install -m 755 "$2" "$1/${2##*/}"
  echo "Debian's $3 $version, $4" >"$1/${2##*/}.txt"
}

# The sources as their authors released them, in FOLDER/src. They come from where the binary packages do.
fetch_sources() {
  local archive suite apt
  archive=$(apt-get -qq --print-uris download tini | sed -n "s|^'\(.*\)/pool/.*|\1|p")
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mkdir -p "$1/src"
  debian_lists deb-src "$archive" "$suite" "$1/src"
  (cd "$1/src" && apt-get "${apt[@]}" source --download-only --tar-only tini dumb-init)
  for archive in "$1"/src/*.orig.tar.gz; do
    tar -C "$1/src" -xzf "$archive"
  done
}

gather_peers() {
  need /usr/bin/tini:tini /usr/bin/dumb-init:dumb-init /usr/bin/catatonit:catatonit
  from_debian "$1" /usr/bin/tini tini "dynamic glibc"
  from_debian "$1" /usr/bin/tini-static tini "static glibc"
  from_debian "$1" /usr/bin/dumb-init dumb-init "dynamic glibc"
  from_debian "$1" /usr/bin/catatonit catatonit "static glibc"
}

gather_sources() {
  [ -e "$1/tini-musl" ] && [ -e "$1/dumb-init-musl" ] && return
  need musl-gcc:musl-tools
  fetch_sources "$1"
  # The flags are those of their own build files.
  local tini=("$1"/src/tini-*) dumb_init=("$1"/src/dumb-init-*) config
  config=$(mktemp -d)
  local version=${tini##*-}
  printf '#define TINI_VERSION "%s"\n#define TINI_GIT ""\n' "$version" >"$config/tiniConfig.h"
  musl-gcc -std=gnu99 -O2 -fstack-protector --param=ssp-buffer-size=4 -I "$config" -static -s \
    -o "$1/tini-musl" "$tini/src/tini.c"
  rm -r "$config"
  echo "tini $version, static musl" >"$1/tini-musl.txt"
  musl-gcc -std=gnu99 -O3 -static -s -o "$1/dumb-init-musl" "$dumb_init/dumb-init.c"
  echo "dumb-init ${dumb_init##*-}, static musl" >"$1/dumb-init-musl.txt"
}

# from_crates FOLDER CRATE VERSION BINARY
from_crates() {
  cargo install --quiet --locked --target $musl --root "$1/crates" --target-dir "$1/crates/target" "$2@$3"
  install -m 755 "$1/crates/bin/$4" "$1/$4"
}

gather_pid1() {
  if [ ! -e "$1/pid1" ]; then
    # It has no release profile of its own, so it gets sexton's.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=s CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
      CARGO_PROFILE_RELEASE_PANIC=abort CARGO_PROFILE_RELEASE_STRIP=true from_crates "$1" pid1-exe 0.1.6 pid1
    echo "pid1-exe 0.1.6 from crates.io, static musl, sexton's release profile" >"$1/pid1.txt"
  fi
}

gather_tino() {
  if [ ! -e "$1/tino" ]; then
    from_crates "$1" tino 0.1.24 tino
    echo "tino 0.1.24 from crates.io, static musl, its own release profile; it polls without ever sleeping" \
      >"$1/tino.txt"
  fi
}
