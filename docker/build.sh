# How the binaries of a release are built. Sourced by docker/dist.sh, after tests/setup.sh.

# build ARCHITECTURE : sets `binary` to the file, and `with` to what the standard library was. Paths of this machine
# do not get into it.
build() {
  local target target_folder flags variable commit standard=()
  case $1 in
    armv7) target=armv7-unknown-linux-musleabihf ;;
    riscv64) target=riscv64gc-unknown-linux-musl ;;
    *) target=$1-unknown-linux-musl ;;
  esac
  target_folder=$(realpath -m "${CARGO_TARGET_DIR:-target}/dist") # apart: the flags are others
  commit=$(rustc --version --verbose | sed -n 's/^commit-hash: //p')
  flags=(-Ctarget-feature=+crt-static # it is no default for riscv64
    # As std's own objects have it. Without this, it is so only if the toolchain has no rust-src.
    "--remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$commit"
    "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" "--remap-path-prefix=$target_folder=/target")
  with="the standard library of the toolchain"
  if ! add_target "$target"; then
    with="a standard library built from the toolchain's rust-src"
    with="$with, with musl as Debian has it ($(docker/musl.sh version))"
    need_rust_src
    docker/musl.sh "$1" "$target_folder/musl/$1"
    flags+=("-Lnative=$target_folder/musl/$1")
    standard=(-Zbuild-std=std,panic_abort)
  fi
  variable=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$target")_RUSTFLAGS
  env ${standard:+RUSTC_BOOTSTRAP=1} "$variable=${flags[*]}" cargo build --locked --release --bin sexton \
    --target "$target" --target-dir "$target_folder" "${standard[@]}"
  binary=$target_folder/$target/release/sexton
}

# Whether the toolchain has a standard library for it, or can get one.
add_target() {
  [ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ] || rustup -q target add "$1" 2>/dev/null
}

need_rust_src() {
  [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ] || rustup -q component add rust-src
}
