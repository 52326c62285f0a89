;; Where the cells of a record end; the other fields of the module are in `sieve.wat`.

;; Writes down where each cell of a record without quotes ends, with the highest bit set where not all of the cell is
;; printable ASCII, and gives where the first of them is written; 0 when there is no room for all.
(func $cells (param $from i32) (param $to i32) (result i32)
  (local $block i32) (local $bytes v128) (local $bits i32) (local $odd i32) (local $before i32) (local $isOdd i32) (local $first i32) (local $place i32)
  (local.set $first (global.get $nextEnd))
  (local.set $place (local.get $first))
  (local.set $block (local.get $from))
  (block $ended
    (br_if $ended (i32.eq (local.get $from) (local.get $to)))
    (loop $blocks
      ;; Sixteen cells at most end in a block.
      (if (i32.gt_u (i32.add (local.get $place) (i32.const 68)) (global.get $endsEnd)) (then (return (i32.const 0))))
      (local.set $bytes (v128.load align=1 (local.get $block)))
      (local.set $bits (i8x16.bitmask (i8x16.eq (local.get $bytes) (i8x16.splat (global.get $cellDelimiter)))))
      (local.set $odd (i8x16.bitmask (v128.or
        (i8x16.lt_s (local.get $bytes) (i8x16.splat (i32.const 32)))
        (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 127))))))
      ;; What lies behind the record is of others.
      (if (i32.gt_u (i32.add (local.get $block) (i32.const 16)) (local.get $to))
        (then
          (local.set $before (i32.sub (i32.shl (i32.const 1) (i32.sub (local.get $to) (local.get $block))) (i32.const 1)))
          (local.set $bits (i32.and (local.get $bits) (local.get $before)))
          (local.set $odd (i32.and (local.get $odd) (local.get $before)))))
      ;; The delimiter itself may be a tab.
      (local.set $odd (i32.and (local.get $odd) (i32.xor (local.get $bits) (i32.const -1))))
      (block $next
        (loop $delimiters
          (br_if $next (i32.eqz (local.get $bits)))
          (local.set $before (i32.sub (i32.and (local.get $bits) (i32.sub (i32.const 0) (local.get $bits))) (i32.const 1)))
          (local.set $isOdd (i32.or (local.get $isOdd) (i32.and (local.get $odd) (local.get $before))))
          (i32.store (local.get $place) (i32.or
            (i32.add (local.get $block) (i32.ctz (local.get $bits)))
            (i32.shl (i32.ne (local.get $isOdd) (i32.const 0)) (i32.const 31))))
          (local.set $place (i32.add (local.get $place) (i32.const 4)))
          (local.set $isOdd (i32.const 0))
          (local.set $odd (i32.and (local.get $odd) (i32.xor (local.get $before) (i32.const -1))))
          (local.set $bits (i32.and (local.get $bits) (i32.sub (local.get $bits) (i32.const 1))))
          (br $delimiters)))
      (local.set $isOdd (i32.or (local.get $isOdd) (local.get $odd)))
      (local.set $block (i32.add (local.get $block) (i32.const 16)))
      (br_if $blocks (i32.lt_u (local.get $block) (local.get $to)))))
  (if (i32.ge_u (i32.add (local.get $place) (i32.const 4)) (global.get $endsEnd)) (then (return (i32.const 0))))
  (i32.store (local.get $place) (i32.or (local.get $to) (i32.shl (i32.ne (local.get $isOdd) (i32.const 0)) (i32.const 31))))
  (global.set $nextEnd (i32.add (local.get $place) (i32.const 4)))
  (local.get $first))

;; Where the next $sought or quote is, else $to; notes in $odd whether all before it is printable ASCII.
(func $next (param $from i32) (param $to i32) (param $sought i32) (result i32)
  (local $bytes v128) (local $found i32) (local $before i32)
  (loop $blocks
    (local.set $bytes (v128.load align=1 (local.get $from)))
    (local.set $found (i32.or
      (i8x16.bitmask (v128.or
        (i8x16.eq (local.get $bytes) (i8x16.splat (local.get $sought)))
        (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 34)))))
      ;; The end, where it is in this block.
      (i32.shl (i32.lt_u (i32.sub (local.get $to) (local.get $from)) (i32.const 16))
        (i32.sub (local.get $to) (local.get $from)))))
    (local.set $before (i32.sub (i32.and (local.get $found) (i32.sub (i32.const 0) (local.get $found))) (i32.const 1)))
    (global.set $odd (i32.or (global.get $odd) (i32.and (local.get $before) (i8x16.bitmask (v128.or
      (i8x16.lt_s (local.get $bytes) (i8x16.splat (i32.const 32)))
      (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 127))))))))
    (if (local.get $found) (then (return (i32.add (local.get $from) (i32.ctz (local.get $found))))))
    (local.set $from (i32.add (local.get $from) (i32.const 16)))
    (br $blocks))
  (unreachable))

;; The same of one with quotes: a cell ends behind its own, and the bit below the highest is set. 0 too where a quote is
;; doubled or stray: whoever can read such a record must.
(func $quotedCells (param $from i32) (param $to i32) (result i32)
  (local $first i32) (local $place i32) (local $end i32) (local $isQuoted i32)
  (local.set $first (global.get $nextEnd))
  (local.set $place (local.get $first))
  (loop $cells
    (if (i32.ge_u (i32.add (local.get $place) (i32.const 4)) (global.get $endsEnd)) (then (return (i32.const 0))))
    (global.set $odd (i32.const 0))
    (local.set $isQuoted (i32.and (i32.lt_u (local.get $from) (local.get $to))
      (i32.eq (i32.load8_u (local.get $from)) (i32.const 34))))
    (if (local.get $isQuoted)
      (then
        (local.set $end (call $next (i32.add (local.get $from) (i32.const 1)) (local.get $to) (i32.const 34)))
        (if (i32.ge_u (local.get $end) (local.get $to)) (then (return (i32.const 0))))
        (local.set $end (i32.add (local.get $end) (i32.const 1))))
      (else (local.set $end (call $next (local.get $from) (local.get $to) (global.get $cellDelimiter)))))
    (if (i32.and (i32.lt_u (local.get $end) (local.get $to))
        (i32.ne (i32.load8_u (local.get $end)) (global.get $cellDelimiter)))
      (then (return (i32.const 0))))
    (i32.store (local.get $place) (i32.or (local.get $end) (i32.or
      (i32.shl (local.get $isQuoted) (i32.const 30))
      (i32.shl (i32.ne (global.get $odd) (i32.const 0)) (i32.const 31)))))
    (local.set $place (i32.add (local.get $place) (i32.const 4)))
    (local.set $from (i32.add (local.get $end) (i32.const 1)))
    (br_if $cells (i32.lt_u (local.get $end) (local.get $to))))
  (global.set $nextEnd (local.get $place))
  (local.get $first))

;; The same of one that is all printable ASCII, without quotes, 64 bytes at a time; may end when $enough are known. Six are
;; written whether they are there or not: a loop over those that are would be guessed wrong once in each block.
(func $plainCells (param $from i32) (param $to i32) (param $enough i32) (result i32)
  (local $bits i64) (local $first i32) (local $place i32) (local $next i32)
  (local.set $first (global.get $nextEnd))
  (local.set $place (local.get $first))
  (loop $blocks
    ;; Of a block 64 cells at most, written in sixes, and the last.
    (if (i32.gt_u (i32.add (local.get $place) (i32.const 268)) (global.get $endsEnd)) (then (return (i32.const 0))))
    (local.set $bits (i64.or
      (i64.or
        (call $delimitersAt (local.get $from))
        (i64.shl (call $delimitersAt (i32.add (local.get $from) (i32.const 16))) (i64.const 16)))
      (i64.or
        (i64.shl (call $delimitersAt (i32.add (local.get $from) (i32.const 32))) (i64.const 32))
        (i64.shl (call $delimitersAt (i32.add (local.get $from) (i32.const 48))) (i64.const 48)))))
    ;; What lies behind the record is of others.
    (if (i32.lt_u (i32.sub (local.get $to) (local.get $from)) (i32.const 64))
      (then (local.set $bits (i64.and (local.get $bits) (i64.sub
        (i64.shl (i64.const 1) (i64.extend_i32_u (i32.sub (local.get $to) (local.get $from)))) (i64.const 1))))))
    (local.set $next (i32.add (local.get $place) (i32.shl (i32.wrap_i64 (i64.popcnt (local.get $bits))) (i32.const 2))))
    (loop $six
      (i32.store (local.get $place) (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
      (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
      (i32.store offset=4 (local.get $place) (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
      (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
      (i32.store offset=8 (local.get $place) (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
      (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
      (i32.store offset=12 (local.get $place) (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
      (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
      (i32.store offset=16 (local.get $place) (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
      (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
      (i32.store offset=20 (local.get $place) (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
      (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
      (local.set $place (i32.add (local.get $place) (i32.const 24)))
      (br_if $six (i64.ne (local.get $bits) (i64.const 0))))
    (local.set $place (local.get $next))
    (if (i32.ge_u (i32.sub (local.get $place) (local.get $first)) (i32.shl (local.get $enough) (i32.const 2)))
      (then (return (local.get $first))))
    (local.set $from (i32.add (local.get $from) (i32.const 64)))
    (br_if $blocks (i32.lt_u (local.get $from) (local.get $to))))
  (i32.store (local.get $place) (local.get $to))
  (global.set $nextEnd (i32.add (local.get $place) (i32.const 4)))
  (local.get $first))

(func $delimitersAt (param $from i32) (result i64)
  (i64.extend_i32_u (i8x16.bitmask
    (i8x16.eq (v128.load align=1 (local.get $from)) (i8x16.splat (global.get $cellDelimiter))))))

;; The ends of the cells of a record, by what it has: $quotes, and $high for what is not printable ASCII.
(func $split (param $from i32) (param $to i32) (param $quotes i32) (param $high i32) (param $enough i32) (result i32)
  (if (local.get $quotes) (then (return (call $quotedCells (local.get $from) (local.get $to)))))
  (if (local.get $high) (then (return (call $cells (local.get $from) (local.get $to)))))
  (call $plainCells (local.get $from) (local.get $to) (local.get $enough)))
