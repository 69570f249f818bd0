#!/usr/bin/env bash
# Checks what docker/dist.sh has made: sums, names, archives, packages, the list of contents; and runs each binary, as
# it is in the archive and in the package, by an emulator if need be. Needs root.
#
#   tests/dist.sh [FOLDER]      default: dist
set -euo pipefail
folder=$(realpath "${1:-dist}")
cd "$(dirname "$0")/.."
. tests/setup.sh
need_root
need_rust
need dash:dash jq:jq dpkg-deb:dpkg lintian:lintian man:man-db unshare:util-linux readelf:binutils
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "$*" >&2; exit 1; }

(cd "$folder" && sha256sum --check --strict --quiet SHA256SUMS)
diff <(cd "$folder" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort) <(sed 's/^[^ ]*  //' "$folder/SHA256SUMS" | sort) ||
  fail "SHA256SUMS does not name the files that are there"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
tested=0
for names in "x86_64 amd64 amd64" "aarch64 arm64 arm64" "armv7l arm armhf" "riscv64 riscv64 riscv64"; do
  read -r uname docker debian <<<"$names"
  binary=$folder/sexton-$uname
  [ -e "$binary" ] || continue
  runner=()
  case $uname in
    x86_64) ;;
    armv7l) runner=(qemu-arm-static) ;;
    *) runner=("qemu-$uname-static") ;;
  esac
  need "${runner[@]/%/:qemu-user-static}"
  tests/smoke.sh "$binary" "${runner[@]}"
  ! readelf --wide --symbols "$binary" | grep -q . || fail "$binary is not stripped"
  for prefix in "$HOME" "$PWD" "$(rustc --print sysroot)"; do
    ! grep -aqF "$prefix/" "$binary" || fail "$binary tells of $prefix"
  done
  cmp "$binary" "$folder/sexton-$docker"
  [ "$docker" != arm ] || cmp "$binary" "$folder/sexton-armv7"

  tar -C "$scratch" -xzf "$folder/sexton-$version-$uname.tar.gz"
  tree=$scratch/sexton-$version-$uname
  cmp "$binary" "$tree/sexton"
  for file in LICENSE THIRD-PARTY.txt README.md CHANGELOG.md sexton.1 completions/{sexton.bash,_sexton,sexton.fish}; do
    [ -s "$tree/$file" ] || fail "$file is missing in the archive"
  done
  for init in tini tini-static docker-init; do
    "${runner[@]}" "$tree/$init" --version | grep -q '^tini version' # an emulator hands on the name it was given
  done
  [ "$(readlink "$tree/dumb-init" "$tree/catatonit" | sort -u)" = sexton ]

  package=$folder/sexton_$version-1_$debian.deb
  [ "$(dpkg-deb --field "$package" Package Version Architecture | tr '\n' ' ')" = \
    "Package: sexton Version: $version-1 Architecture: $debian " ] || fail "$package: wrong fields"
  dpkg-deb --extract "$package" "$scratch/$debian"
  (cd "$scratch/$debian" && dpkg-deb --info "$package" md5sums | md5sum --check --strict --quiet)
  cmp "$binary" "$scratch/$debian/usr/bin/sexton"
  man -l "$scratch/$debian/usr/share/man/man1/sexton.1.gz" >"$scratch/page"
  grep -q -- '--grace' "$scratch/page"
  lintian --allow-root --fail-on error,warning "$package" || fail "$package: lintian finds faults"
  tested=$((tested + 1))
done
[ $tested -gt 0 ] || fail "there is no binary in $folder"

# What SPDX 2.3 requires, and that each relationship has both its ends.
jq --exit-status '
  .spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT"
  and (.name | length > 0) and (.documentNamespace | test("^https://[^#]+$"))
  and (.creationInfo | (.creators | length > 0) and (.created | test("^[0-9-]{10}T[0-9:]{8}Z$")))
  and ([.packages[] | (.SPDXID | test("^SPDXRef-[A-Za-z0-9.-]+$")) and (.name | length > 0) and .downloadLocation != null
    and .licenseDeclared != null and (.filesAnalyzed == false)] | all)
  and ([.packages[] | select(.downloadLocation | startswith("https://crates.io")) | .checksums[0].checksumValue | length == 64]
    | length > 5 and all)
  and (([.packages[].SPDXID, .SPDXID]) as $ids | ($ids | unique | length) == ($ids | length)
    and ([.relationships[] | .spdxElementId, .relatedSpdxElement] - $ids == []))
' "$folder/sexton.spdx.json" >/dev/null || fail "sexton.spdx.json is not as it should be"
echo "$folder: as it should be, for $tested architectures"
