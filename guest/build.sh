#!/bin/sh
# Builds the Rust guests under examples/ and turns each into a component beside
# its sources: examples/NAME/NAME.wasm.
#
#   guest/build.sh [--out DIR] [NAME…]
#
# builds all examples, or only those named; with --out the components go to
# DIR/NAME.wasm instead, so that the committed ones can be compared with them.
#
# Needs Debian 12 or a successor, and root or sudo the first time, to install a
# compiler that carries the sources of its standard library. The standard
# library for wasm is built once (about a minute) and kept in
# target/guest/sysroot; WEIR_GUEST_DIR names another place.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
work=${WEIR_GUEST_DIR:-$root/target/guest}
target=wasm32-unknown-unknown
out=
if [ "${1:-}" = --out ]; then
  mkdir -p "$2"
  out=$(realpath "$2")
  shift 2
fi
packages="rustc-web cargo-web rust-web-src lld-22"

install_tools() {
  for package in $packages; do
    dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q '^install ok' || missing="${missing:-} $package"
  done
  [ -n "${missing:-}" ] || return 0
  echo "installing$missing" >&2
  sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  # shellcheck disable=SC2086
  $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# These packages install to /usr/bin; rustup's tools, if any, stay first
# everywhere else.
tools_path=/usr/bin:$PATH
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTC RUSTC_WRAPPER

# Panic messages carry the paths of sources: these flags make them the same on
# every machine.
remap() {
  printf '%s' "--remap-path-prefix=$work=/guest --remap-path-prefix=$root=/weir"
  printf ' %s' "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
  for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    printf ' %s' "--remap-path-prefix=$registry=/crates"
  done
}

build_sysroot() {
  version="$(/usr/bin/rustc --version) $(cksum guest/build.sh)"
  stamp=$work/sysroot/.version
  [ "$(cat "$stamp" 2>/dev/null)" = "$version" ] && return 0
  echo "building the standard library for $target" >&2
  seed=$work/seed
  lib=$work/sysroot/lib/rustlib/$target/lib
  rm -rf "$work/sysroot" "$seed"
  mkdir -p "$seed/src" "$lib"
  echo '#![no_std]' >"$seed/src/lib.rs"
  cat >"$seed/Cargo.toml" <<EOF
[package]
name = "seed"
version = "0.0.0"
edition = "2021"
[profile.release]
opt-level = "s"
panic = "abort"
[workspace]
EOF
  # Building the standard library is an unstable feature of cargo; the sources
  # are those of this very compiler, so nothing else is unstable about it.
  (cd "$seed" && PATH=$tools_path RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS="-C embed-bitcode=yes $(remap)" \
    /usr/bin/cargo build --quiet --release -Z build-std=std,panic_abort --target $target --target-dir "$seed/target")
  cp "$seed/target/$target/release/deps/"lib*.rlib "$lib/"
  rm -rf "$lib"/libseed-* "$seed"
  echo "$version" >"$stamp"
}

build_guest() {
  name=$1
  echo "building examples/$name" >&2
  (cd "examples/$name" && PATH=$tools_path \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22 \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--sysroot $work/sysroot $(remap)" \
    /usr/bin/cargo build --quiet --locked --release --target $target --target-dir "$work/target")
  module=$work/target/$target/release/$(echo "$name" | tr - _).wasm
  cargo xtask componentize "$module" "${out:-examples/$name}/$name.wasm"
}

install_tools
build_sysroot
if [ $# -eq 0 ]; then
  set -- $(cd examples && for manifest in */Cargo.toml; do dirname "$manifest"; done)
fi
for name in "$@"; do
  build_guest "$name"
done
