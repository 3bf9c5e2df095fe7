#!/bin/sh
# Builds the guests of this repository and turns each into a component beside
# its sources: those under examples/ as examples/NAME/NAME.wasm, and those of
# the templates of `weir new` as crates/cli/templates/LANGUAGE/greeter.wasm.
# The parts of an example with several, each a folder with a weir.toml, become
# examples/NAME/PART/PART.wasm; `weir wasm link` makes one component of them.
#
#   guest/build.sh [--out DIR] [NAME…]
#
# builds all, or only those named: `greeter`, `sqlite` and `rates` are examples,
# `new-rust`, `new-cpp` and `new-c` are templates. With --out the components go
# to DIR/NAME.wasm and DIR/NAME/PART/PART.wasm instead, so that the committed
# ones can be compared with them.
#
# Needs Debian 12 or a successor, and root or sudo the first time, to install
# compilers, one of which carries the sources of its standard library. That
# library for wasm is built once (about a minute) and kept in
# target/guest/sysroot; WEIR_GUEST_DIR names another place. Parts are linked by
# the program that WEIR names, or by one that is built for it.
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
packages="rustc-web cargo-web rust-web-src lld-22 make
  clang-22 wasi-libc libclang-rt-22-dev-wasm32 libc++-22-dev-wasm32 libc++abi-22-dev-wasm32"

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

# build_crate FOLDER CRATE COMPONENT
build_crate() {
  (cd "$1" && PATH=$tools_path \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22 \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--sysroot $work/sysroot $(remap)" \
    /usr/bin/cargo build --quiet --locked --release --target $target --target-dir "$work/target")
  cargo xtask componentize "$work/target/$target/release/$(echo "$2" | tr - _).wasm" "$3"
}

# A template as `weir new` writes it, in a folder of its own.
assemble() {
  folder=$work/new-$1
  rm -rf "$folder"
  mkdir -p "$folder/wit/deps/weir-host" "$folder/sdk"
  cp -R "crates/cli/templates/$1/." "$folder"
  cp guest/wit/host.wit "$folder/wit/deps/weir-host"
  case $1 in
  rust)
    mkdir "$folder/sdk/weir-guest"
    cp -RL guest/rust/Cargo.toml guest/rust/src guest/rust/wit "$folder/sdk/weir-guest"
    ;;
  cpp) cp -R guest/cpp/include "$folder/sdk" ;;
  esac
}

build_guest() {
  case $1 in
  new-*)
    language=${1#new-}
    echo "building the template for $language" >&2
    component=${out:+$out/$1.wasm}
    component=${component:-$root/crates/cli/templates/$language/greeter.wasm}
    assemble "$language"
    if [ "$language" = rust ]; then
      build_crate "$folder" greeter "$component"
    else
      cargo xtask component "$folder" "$component"
    fi
    ;;
  *)
    echo "building examples/$1" >&2
    component=${out:-$root/examples/$1}/$1.wasm
    parts=$(cd "examples/$1" && for part in */weir.toml; do dirname "$part"; done)
    if [ "$parts" = '*' ]; then
      build_project "examples/$1" "$1" "$component"
    else
      build_parts "$1" "${out:-$root/examples}/$1"
    fi
    ;;
  esac
}

# build_project FOLDER NAME COMPONENT
build_project() {
  if [ -f "$1/Cargo.toml" ]; then
    build_crate "$1" "$2" "$3"
  else
    cargo xtask component "$1" "$3"
  fi
}

# build_parts EXAMPLE PLACE
build_parts() {
  for part in $parts; do
    mkdir -p "$2/$part"
    build_project "examples/$1/$part" "$part" "$2/$part/$part.wasm"
  done
  [ -z "$out" ] || cp "examples/$1/weir.toml" "$2"
  # shellcheck disable=SC2086
  ${WEIR:-cargo run --release --quiet --bin weir --} wasm link "$2/weir.toml" -o "$component" >/dev/null
}

install_tools
build_sysroot
if [ $# -eq 0 ]; then
  set -- $(cd examples && for example in */wit; do dirname "$example"; done) new-rust new-cpp new-c
fi
for name in "$@"; do
  build_guest "$name"
done
