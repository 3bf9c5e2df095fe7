;; Asks the host for work without end: `write` writes that many bytes of its
;; memory again and again, `write-once` does it once, `draw` takes random
;; bytes, `open` opens the output until it may not any more.
(component
  (import "wasi:io/error@0.2.0" (instance $error
    (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $stream (sub resource)))
    (export "error" (type $error (eq $error-type)))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]output-stream.write" (func
      (param "self" (borrow $stream)) (param "contents" (list u8))
      (result (result (error $stream-error)))))
    (export "[method]output-stream.write-zeroes" (func
      (param "self" (borrow $stream)) (param "len" u64)
      (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (export "output-stream" (type $stream' (eq $stream)))
    (export "get-stdout" (func (result (own $stream'))))))
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $store (memory (export "memory") 1000)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
  (core instance $store (instantiate $store))
  (alias core export $store "memory" (core memory $memory))
  (alias core export $store "realloc" (core func $realloc))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $memory)))
  (core func $zeroes (canon lower (func $streams "[method]output-stream.write-zeroes") (memory $memory)))
  (core func $stdout (canon lower (func $stdout "get-stdout")))
  (core func $random (canon lower (func $random "get-random-bytes") (memory $memory) (realloc (func $realloc))))
  (core module $main
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "zeroes" (func $zeroes (param i32 i64 i32)))
    (import "host" "stdout" (func $stdout (result i32)))
    (import "host" "random" (func $random (param i64 i32)))
    (func (export "write") (param $len i32) (local $s i32)
      (local.set $s (call $stdout))
      (loop $again (call $write (local.get $s) (i32.const 256) (local.get $len) (i32.const 0)) (br $again)))
    (func (export "write-once") (param $len i32)
      (call $write (call $stdout) (i32.const 256) (local.get $len) (i32.const 0)))
    (func (export "write-zeroes") (param $len i32)
      (call $zeroes (call $stdout) (i64.extend_i32_u (local.get $len)) (i32.const 0)))
    (func (export "draw") (param $len i32)
      (loop $again (call $random (i64.extend_i32_u (local.get $len)) (i32.const 0)) (br $again)))
    (func (export "open") (loop $again (drop (call $stdout)) (br $again))))
  (core instance $main (instantiate $main
    (with "host" (instance
      (export "write" (func $write))
      (export "zeroes" (func $zeroes))
      (export "stdout" (func $stdout))
      (export "random" (func $random))))))
  (func (export "write") (param "len" u32) (canon lift (core func $main "write")))
  (func (export "write-once") (param "len" u32) (canon lift (core func $main "write-once")))
  (func (export "write-zeroes") (param "len" u32) (canon lift (core func $main "write-zeroes")))
  (func (export "draw") (param "len" u32) (canon lift (core func $main "draw")))
  (func (export "open") (canon lift (core func $main "open"))))
