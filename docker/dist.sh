#!/usr/bin/env bash
# Makes what a release consists of, from the commit that is checked out: docs/release.md says what it is.
# The same commit and the same tools make the same bytes, wherever the folders are (docker/reproducible.sh).
#
#   docker/dist.sh [FOLDER]      FOLDER (default: dist) is made anew
#
#   TARGETS="x86_64 aarch64"     these architectures (default: all four). One that cannot be built is an error
#   OWNER=NAME                   the account that the release belongs to: docker/owner.sh
set -euo pipefail
folder=$(realpath -m "${1:-dist}")
cd "$(dirname "$0")/.."
. tests/setup.sh
. docker/build.sh
need_rust
need jq:jq dpkg-deb:dpkg rpmbuild:rpm /usr/bin/python3:python3

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} LC_ALL=C TZ=UTC
umask 022
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
commit=$(git rev-parse HEAD)$(git diff --quiet HEAD || echo ", with changes")
export OWNER=${OWNER-}
homepage=${OWNER:+https://github.com/$OWNER/sexton}
homepage=${homepage:-$(sed -n 's/^documentation = "\(.*\)"/\1/p' Cargo.toml)}
maintainer=$(git log -1 --format='%an <%ae>')
inits=(tini tini-static docker-init dumb-init catatonit gosu su-exec) # in whose place it works, by these names
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# An earlier release goes, but nothing that is none.
[ ! -e "$folder" ] || [ -e "$folder/SHA256SUMS" ] || [ -z "$(ls -A "$folder")" ] ||
  { echo "$folder holds something else: not made anew" >&2; exit 1; }
rm -rf "$folder" && mkdir -p "$folder"

# names ARCHITECTURE : what asks for it, first `uname -m`; then Docker's TARGETARCH, which may have the TARGETVARIANT
# behind it.
names() {
  case $1 in
    x86_64) echo x86_64 amd64 ;;
    aarch64) echo aarch64 arm64 ;;
    armv7) echo armv7l arm armv7 ;;
    riscv64) echo riscv64 ;;
  esac
}

archive() { # ARCHITECTURE BINARY
  local name=sexton-$version-$(names "$1" | cut -d ' ' -f 1) init
  local tree=$scratch/$name
  mkdir -p "$tree"/{docs,completions}
  install -m 755 "$2" "$tree/sexton"
  install -m 644 README.md CHANGELOG.md LICENSE "$folder/THIRD-PARTY.txt" docs/sexton.1 "$tree"
  install -m 644 docs/*.md "$tree/docs"
  install -m 644 docs/completions/* "$tree/completions"
  docker/owner.sh "$tree"/*.md "$tree"/docs/*.md
  for init in "${inits[@]}"; do
    ln -s sexton "$tree/$init"
  done
  tar -C "$scratch" --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    -cf - "$name" | gzip -n -9 >"$folder/$name.tar.gz"
}

# What abuild(1) of Alpine makes a package from: the archives, whose names and sums it gets.
recipe() {
  local file name sources=()
  sed -e "s|@VERSION@|$version|; s|@HOMEPAGE@|$homepage|; s|@MAINTAINER@|$maintainer|" docker/packages/APKBUILD
  for file in "$folder"/*.tar.gz; do
    name=${file##*/}
    sources+=("${OWNER:+$homepage/releases/download/v$version/}$name")
  done
  printf 'source="%s"\n\nsha512sums="\n' "${sources[*]}"
  (cd "$folder" && sha512sum ./*.tar.gz | sed 's# \./# #')
  printf '"\n'
}

# tree ARCHITECTURE FOLDER : the files of a package, as the APKBUILD installs them from the archive.
tree() {
  local CARCH=$1 srcdir=$scratch pkgdir=$2 pkgname pkgver builddir
  ( # its variables stay here
    set +u
    . "$folder/APKBUILD"
    cd "$builddir"
    package
  )
  find "$pkgdir" -print0 | xargs -0 touch --no-dereference --date="@$SOURCE_DATE_EPOCH"
}

# The names of other inits are in no package: distributions have packages of those.
packages() { # ARCHITECTURE
  local tree=$scratch/package-$1 rpm=$1
  tree "$1" "$tree"
  docker/packages/apk.py "$folder/sexton-$version-r0.$1.apk" "$1" "$tree" "${commit%%,*}" "$maintainer" \
    <"$folder/APKBUILD"
  case $1 in
    armv7) rpm=armv7hl ;;
    # PyPI's names; wheels are for the architectures that have most of its users.
    x86_64 | aarch64) docker/packages/wheel.py "$folder" "$1" "$tree" "$homepage" LICENSE "$folder/THIRD-PARTY.txt" ;;
  esac
  rpmbuild -bb --quiet --target "$rpm-linux" --define "_topdir $scratch/rpm" --define "_rpmdir $folder" \
    --define "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" --define "tree $tree" \
    --define "release_version $version" --define "homepage $homepage" docker/packages/sexton.spec
  debian "$1" "$tree"
}

debian() { # ARCHITECTURE TREE
  local debian tree=$scratch/deb-$1
  case $1 in
    x86_64) debian=amd64 ;;
    aarch64) debian=arm64 ;;
    armv7) debian=armhf ;;
    *) debian=$1 ;;
  esac
  local doc=$tree/usr/share/doc/sexton share=$tree/usr/share
  cp -a "$2" "$tree"
  rm -r "$share/licenses" # as Debian has them, below
  mv "$share/zsh/site-functions" "$share/zsh/vendor-completions"
  install -D -m 644 CHANGELOG.md "$doc/changelog"
  printf 'sexton (%s-1) unstable; urgency=medium\n\n  * %s: see changelog.gz.\n\n -- %s  %s\n' \
    "$version" "Release $version" "$maintainer" "$(date -R -d "@$SOURCE_DATE_EPOCH")" >"$doc/changelog.Debian"
  {
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n'
    printf 'Files: *\nCopyright: %s\nLicense: Expat\n' "$(sed -n 's/^Copyright (c) //p' LICENSE)"
    sed '1,/^Copyright/d; /./,$!d; s/^$/./; s/^/ /' LICENSE
    printf '\nComment: The binary holds parts of other works: third-party.txt.gz beside this file.\n'
  } >"$doc/copyright"
  cp "$folder/THIRD-PARTY.txt" "$doc/third-party.txt"
  gzip -n -9 "$share/man/man1/sexton.1" "$doc"/{changelog,changelog.Debian,third-party.txt}
  install -D -m 644 docker/lintian-overrides "$share/lintian/overrides/sexton"
  mkdir "$tree/DEBIAN"
  (cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
  cat >"$tree/DEBIAN/control" <<CONTROL
Package: sexton
Version: $version-1
Architecture: $debian
Maintainer: $maintainer
Installed-Size: $(du -sk --apparent-size "$tree/usr" | cut -f 1)
Section: admin
Priority: optional
Homepage: $homepage
Description: init for containers
 Sexton runs as PID 1 of a container: it starts one command, forwards
 signals to it, reaps every orphan and shuts the whole process tree down
 in bounded time.
 .
 The binary is static, so that it can be copied or mounted into any image.
 By the names of tini, dumb-init or catatonit it works in their place.
CONTROL
  find "$tree" -print0 | xargs -0 touch --no-dereference --date="@$SOURCE_DATE_EPOCH"
  dpkg-deb --root-owner-group -Zxz --build "$tree" "$folder" >/dev/null
}

docker/licences.sh "$scratch/crates.json" >"$folder/THIRD-PARTY.txt"
{
  printf 'sexton %s\ncommit %s\n' "$version" "$commit"
  printf '%s\n' ${OWNER:+"OWNER=$OWNER"} ''
  rustc --version --verbose
  printf '\n'
} >"$folder/BUILD.txt"
images=()
TARGETS=${TARGETS:-x86_64 aarch64 armv7 riscv64}
for architecture in $TARGETS; do
  [ -n "$(names "$architecture")" ] || { echo "unknown architecture: $architecture" >&2; exit 1; }
  build "$architecture" # sets binary and with
  echo "$architecture: $with" | tee -a "$folder/BUILD.txt"
  # Copies, as a download knows no links.
  for name in $(names "$architecture"); do
    install -m 755 "$binary" "$folder/sexton-$name"
  done
  archive "$architecture" "$binary"
  platform=$(names "$architecture" | cut -d ' ' -f 2-)
  images+=("${platform/ armv7//v7}=$binary")
done
recipe >"$folder/APKBUILD"
for architecture in $TARGETS; do
  packages "$architecture"
done
docker/packages/image.py "$folder/sexton-$version-image" "localhost/sexton:$version" "${images[@]}"
files=$(cd "$folder" && sha256sum -- sexton*) # each of them holds the binary
jq --raw-input --slurp --from-file docker/sbom.jq --arg files "$files" --slurpfile metadata "$scratch/crates.json" \
  --arg rust "$(rustc --version | cut -d ' ' -f 2)" --arg commit "$commit" \
  --arg date "$(date -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)" <Cargo.lock >"$folder/sexton.spdx.json"
cd "$folder"
sha256sum -- * >"$scratch/SHA256SUMS"
mv "$scratch/SHA256SUMS" .
cat SHA256SUMS
