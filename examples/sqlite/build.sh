#!/bin/sh
# Compiles the service to a core module. guest/build.sh calls it, with
#
#   $bindings   the folder with the generated header, source and object
#   $objects    a folder for what is compiled
#   $module     where to put the core module
#   $cc $cxx    the compilers of C and C++
#   $link       what links their objects
set -eu
cd "$(dirname "$0")"

# The amalgamation of SQLite is in the crate libsqlite3-sys.
cargo fetch --quiet --locked
sqlite=$(cargo metadata --quiet --locked --offline --format-version 1 |
  sed 's/.*"manifest_path":"\([^"]*\/libsqlite3-sys-[^"\/]*\)\/Cargo.toml".*/\1/')/sqlite3
[ -f "$sqlite/sqlite3.c" ] || { echo "there is no sqlite3.c in $sqlite" >&2; exit 1; }

# One call at a time works on the database, alone, and the host keeps or drops
# all of its writes: so no threads, no locks, no write-ahead log and no waiting
# for a disk.
$cc -w -c "$sqlite/sqlite3.c" -o "$objects/sqlite3.o" \
  -DSQLITE_THREADSAFE=0 \
  -DSQLITE_OMIT_LOAD_EXTENSION \
  -DSQLITE_OMIT_WAL \
  -DSQLITE_OMIT_SHARED_CACHE \
  -DSQLITE_OMIT_DEPRECATED \
  -DSQLITE_OMIT_PROGRESS_CALLBACK \
  -DSQLITE_MAX_MMAP_SIZE=0 \
  -DSQLITE_DEFAULT_PAGE_SIZE=4096 \
  -DSQLITE_DEFAULT_SYNCHRONOUS=0 \
  -DSQLITE_DEFAULT_LOCKING_MODE=1 \
  -DSQLITE_DEFAULT_MEMSTATUS=0 \
  -DSQLITE_TEMP_STORE=3 \
  -DSQLITE_DQS=0 \
  -DSQLITE_LIKE_DOESNT_MATCH_BLOBS \
  -DSQLITE_ENABLE_NULL_TRIM \
  -DHAVE_USLEEP=0
$cc -c "$bindings/sqlite.c" -o "$objects/bindings.o"
$cxx -c src/sqlite_guest.cpp -o "$objects/guest.o" -I "$bindings" -I "$sqlite"
$link "$objects/sqlite3.o" "$objects/bindings.o" "$objects/guest.o" "$bindings/sqlite_component_type.o" \
  -o "$module"
