#!/usr/bin/env bash
# Checks what docker/dist.sh has made: sums, names, archives, packages, images, the list of contents; installs the
# packages, and runs each binary, by an emulator if need be. Needs root. tests/containers/archive.rs loads the images.
#
#   tests/dist.sh [FOLDER]      default: dist
set -euo pipefail
folder=$(realpath "${1:-dist}")
cd "$(dirname "$0")/.."
. tests/setup.sh
need_root
need_rust
need dash:dash jq:jq dpkg-deb:dpkg lintian:lintian man:man-db unshare:util-linux readelf:binutils rpm:rpm twine:twine \
  shellcheck:shellcheck /usr/bin/python3:python3 /usr/lib/python3.11/ensurepip:python3-venv
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "$*" >&2; exit 1; }

(cd "$folder" && sha256sum --check --strict --quiet SHA256SUMS)
diff <(cd "$folder" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort) \
  <(sed 's/^[^ ]*  //' "$folder/SHA256SUMS" | sort) ||
  fail "SHA256SUMS does not name the files that are there"

# It makes the tree of each package; abuild(1) runs it in the shell of busybox.
shellcheck --shell=dash --exclude=SC2034,SC2154 "$folder/APKBUILD" ||
  fail "$folder/APKBUILD: shellcheck finds faults"
(cd "$folder" && sed -n '/^sha512sums="/,/^"/s/^[0-9a-f]\{128\}  /&/p' APKBUILD | sha512sum --check --strict --quiet)
! grep -n '@[A-Z]*@' "$folder/APKBUILD" || fail "$folder/APKBUILD has words that are not filled in"
if compgen -G "$folder/*.whl" >/dev/null; then
  twine check --strict "$folder"/*.whl >"$scratch/twine" || { cat "$scratch/twine"; fail "twine finds faults"; }
fi
# A release that has an owner names it everywhere.
if grep -q '^OWNER=' "$folder/BUILD.txt"; then
  for file in "$folder"/*.tar.gz; do
    ! tar --to-stdout -xzf "$file" --wildcards '*.md' | grep -n 'OWNER/' || fail "$file has OWNER in documents"
  done
fi

# as_pid_1 FILE : an installed binary is the release's, and works as PID 1.
as_pid_1() {
  cmp "$binary" "$1"
  [ "$("${runner[@]}" "$1" --version)" = "sexton $version" ] || fail "$1: --version"
  local status=0
  unshare --pid --fork --mount-proc "${runner[@]}" "$1" -- "$(command -v dash)" -c 'exit 7' || status=$?
  [ $status = 7 ] || fail "$1: exit status $status as PID 1"
}

# rpm_in FOLDER ARGUMENT... : with a root of its own. Debian's prints a warning that it should not be used.
rpm_in() {
  rpm --root "$1" "${@:2}" 2> >(grep -v -e 'RPM should not be used directly' -e 'assuming you know' >&2)
}

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
tested=0
for names in "x86_64 amd64 amd64 x86_64 x86_64" "aarch64 arm64 arm64 aarch64 aarch64" "armv7l arm armhf armv7 armv7hl" \
  "riscv64 riscv64 riscv64 riscv64 riscv64"; do
  read -r uname docker debian alpine rpm <<<"$names"
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
  [ "$(readlink "$tree"/{dumb-init,catatonit,gosu,su-exec} | sort -u)" = sexton ]

  package=$folder/sexton_$version-1_$debian.deb
  [ "$(dpkg-deb --field "$package" Package Version Architecture | tr '\n' ' ')" = \
    "Package: sexton Version: $version-1 Architecture: $debian " ] || fail "$package: wrong fields"
  dpkg-deb --extract "$package" "$scratch/$debian"
  (cd "$scratch/$debian" && dpkg-deb --info "$package" md5sums | md5sum --check --strict --quiet)
  cmp "$binary" "$scratch/$debian/usr/bin/sexton"
  man -l "$scratch/$debian/usr/share/man/man1/sexton.1.gz" >"$scratch/page"
  grep -q -- '--grace' "$scratch/page"
  as_pid_1 "$scratch/$debian/usr/bin/sexton"
  lintian --allow-root --fail-on error,warning "$package" || fail "$package: lintian finds faults"

  tests/packages.py "$folder" "$version" "$uname" || fail "wheel, apk or image for $uname: see above"

  mkdir "$scratch/apk-$uname"
  tar -C "$scratch/apk-$uname" --warning=no-unknown-keyword -xzf "$folder/sexton-$version-r0.$alpine.apk"
  as_pid_1 "$scratch/apk-$uname/usr/bin/sexton"

  package=$folder/sexton-$version-1.$rpm.rpm
  rpm --checksig "$package" >/dev/null
  [ "$(rpm -qp --queryformat '%{NAME} %{VERSION} %{ARCH} %{LICENSE}' "$package")" = "sexton $version $rpm MIT" ] ||
    fail "$package: wrong fields"
  rpm_in "$scratch/rpm-$uname" --initdb
  rpm_in "$scratch/rpm-$uname" --ignorearch --install "$package"
  rpm_in "$scratch/rpm-$uname" --verify sexton
  diff -r "$scratch/apk-$uname/usr" "$scratch/rpm-$uname/usr"
  as_pid_1 "$scratch/rpm-$uname/usr/bin/sexton"

  wheel=$(echo "$folder"/*_"$uname".whl)
  if [ -e "$wheel" ] && [ ! -e "$scratch/venv" ]; then
    /usr/bin/python3 -m venv "$scratch/venv"
  fi
  if [ "$uname" = x86_64 ]; then
    "$scratch/venv/bin/pip" install --quiet --no-index --disable-pip-version-check "$wheel"
    as_pid_1 "$scratch/venv/bin/sexton"
    cmp docs/sexton.1 "$scratch/venv/share/man/man1/sexton.1"
  elif [ -e "$wheel" ]; then # pip for another machine, which it can be told
    "$scratch/venv/bin/pip" install --quiet --no-index --disable-pip-version-check --only-binary :all: \
      --platform "manylinux2014_$uname" --target "$scratch/wheel-$uname" "$wheel"
    as_pid_1 "$scratch/wheel-$uname/bin/sexton"
  fi
  tested=$((tested + 1))
done
[ $tested -gt 0 ] || fail "there is no binary in $folder"

# What SPDX 2.3 requires, and that each relationship has both its ends.
jq --exit-status '
  .spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT"
  and (.name | length > 0) and (.documentNamespace | test("^https://[^#]+$"))
  and (.creationInfo | (.creators | length > 0) and (.created | test("^[0-9-]{10}T[0-9:]{8}Z$")))
  and ([.packages[] | (.SPDXID | test("^SPDXRef-[A-Za-z0-9.-]+$")) and (.name | length > 0)
    and .downloadLocation != null and .licenseDeclared != null and (.filesAnalyzed == false)] | all)
  and ([.packages[] | select(.externalRefs and .primaryPackagePurpose == "LIBRARY")
    | .checksums[0].checksumValue | length == 64]
    | length > 5 and all)
  and (([.packages[].SPDXID, .SPDXID]) as $ids | ($ids | unique | length) == ($ids | length)
    and ([.relationships[] | .spdxElementId, .relatedSpdxElement] - $ids == []))
' "$folder/sexton.spdx.json" >/dev/null || fail "sexton.spdx.json is not as it should be"
diff <(jq -r '.packages[] | select(.packageFileName) | "\(.checksums[0].checksumValue)  \(.packageFileName)"' \
  "$folder/sexton.spdx.json" | sort) <(grep -v spdx "$folder/SHA256SUMS" | grep '  sexton' | sort) ||
  fail "sexton.spdx.json does not list the files that hold a binary"
echo "$folder: as it should be, for $tested architectures"
