;; A service with state and effects; put after an allocator and a memory.
(global $area i32 (i32.const 64))

;; put: func(key: list<u8>, value: list<u8>)
(func (export "put") (param i32 i32 i32 i32)
  (call $set (local.get 0) (local.get 1) (local.get 2) (local.get 3) (global.get $area))
  (if (i32.load8_u (global.get $area)) (then unreachable)))

;; put-and-trap: func(key: list<u8>, value: list<u8>)
(func (export "put-and-trap") (param i32 i32 i32 i32)
  (call $set (local.get 0) (local.get 1) (local.get 2) (local.get 3) (global.get $area))
  unreachable)

;; put-and-fail: func(key: list<u8>, value: list<u8>) -> result<_, u32>
(func (export "put-and-fail") (param i32 i32 i32 i32) (result i32)
  (call $set (local.get 0) (local.get 1) (local.get 2) (local.get 3) (global.get $area))
  (i32.store8 (global.get $area) (i32.const 1))
  (i32.store offset=4 (global.get $area) (i32.const 7))
  (global.get $area))

;; try-put: func(key: list<u8>, value: list<u8>) -> result<bool, error>
(func (export "try-put") (param i32 i32 i32 i32) (result i32)
  (call $set (local.get 0) (local.get 1) (local.get 2) (local.get 3) (global.get $area))
  (global.get $area))

;; take: func(key: list<u8>) -> option<list<u8>>
(func (export "take") (param i32 i32) (result i32)
  (call $get (local.get 0) (local.get 1) (global.get $area))
  (global.get $area))

;; list: func(from: list<u8>, limit: u32) -> list<entry>
(func (export "list") (param i32 i32 i32) (result i32)
  (call $scan (local.get 0) (local.get 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (local.get 2) (global.get $area))
  (global.get $area))

;; draw: func(len: u32) -> result<list<u8>, fault>
(func (export "draw") (param i32) (result i32)
  (call $entropy (local.get 0) (global.get $area))
  (global.get $area))

;; draw-twice: func(len: u32)
(func (export "draw-twice") (param i32)
  (call $entropy (local.get 0) (global.get $area))
  (call $entropy (local.get 0) (global.get $area)))
