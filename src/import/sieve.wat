;; The inner loop of an import: finds the records of a piece of a file, takes their fingerprints, and passes over
;; those that are known. `sieve.ts` explains the memory and has the words for all of this. These are the fields of a
;; module, with those of `sieve-cells.wat`; what is made of them lies in `sieve-module.ts` (npm run wasm).

(memory (export "memory") 1)

;; Where things are.
(global $out (export "out") (mut i32) (i32.const 0))
(global $outEnd (export "outEnd") (mut i32) (i32.const 0))
(global $present (export "present") (mut i32) (i32.const 0))
(global $hashes (export "hashes") (mut i32) (i32.const 0))
(global $slots (export "slots") (mut i32) (i32.const 0))
(global $mask (export "mask") (mut i32) (i32.const 0))
(global $lastUser (export "lastUser") (mut i32) (i32.const 0))
;; Numbers beyond the last user are records that failed.
(global $last (export "last") (mut i32) (i32.const 0))
(global $seed (export "seed") (mut i64) (i64.const 0))
;; The columns that have keys, -1 for none; and what parts them, 0 when keys are not to be read here.
(global $delimiter (export "delimiter") (mut i32) (i32.const 0))
(global $uuidAt (export "uuidAt") (mut i32) (i32.const -1))
(global $emailAt (export "emailAt") (mut i32) (i32.const -1))
(global $usernameAt (export "usernameAt") (mut i32) (i32.const -1))
(global $key (export "key") (mut i32) (i32.const 0))
;; What parts the cells where their ends are to be written down, else 0; where, up to where, and the next of them.
(global $cellDelimiter (export "cellDelimiter") (mut i32) (i32.const 0))
(global $ends (export "ends") (mut i32) (i32.const 0))
(global $endsEnd (export "endsEnd") (mut i32) (i32.const 0))
(global $nextEnd (mut i32) (i32.const 0))
(global $odd (mut i32) (i32.const 0))
(global $longestKey (export "longestKey") (mut i32) (i32.const 0))
;; Whether records are compared: not where nobody is known, and none of them is remembered.
(global $fingerprints (export "fingerprints") (mut i32) (i32.const 1))
;; How far it is: the next record, its line, who was met last of users and of failed records, and how many
;; were passed over.
(global $at (export "at") (mut i32) (i32.const 0))
(global $line (export "line") (mut i32) (i32.const 0))
(global $user (export "user") (mut i32) (i32.const 0))
(global $failed (export "failed") (mut i32) (i32.const 0))
(global $passed (export "passed") (mut i32) (i32.const 0))
(global $indexed (mut i32) (i32.const 0))

;; 53 bits of MurmurHash3 (x64, 128 bits), as a number, never 0.
(func $scrambled (param $word i64) (param $first i64) (param $turn i64) (param $second i64) (result i64)
  (i64.mul (i64.rotl (i64.mul (local.get $word) (local.get $first)) (local.get $turn)) (local.get $second)))

(func $k1 (param $word i64) (result i64)
  (call $scrambled (local.get $word) (i64.const 0x87c37b91114253d5) (i64.const 31) (i64.const 0x4cf5ad432745937f)))

(func $k2 (param $word i64) (result i64)
  (call $scrambled (local.get $word) (i64.const 0x4cf5ad432745937f) (i64.const 33) (i64.const 0x87c37b91114253d5)))

(func $mixed (param $h i64) (result i64)
  (local.set $h (i64.mul (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 33))) (i64.const 0xff51afd7ed558ccd)))
  (local.set $h (i64.mul (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 33))) (i64.const 0xc4ceb9fe1a85ec53)))
  (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 33))))

;; The first bytes of the eight at $from; 1 to 8 of them.
(func $start (param $from i32) (param $bytes i32) (result i64)
  (i64.and (i64.load align=1 (local.get $from))
    (i64.shr_u (i64.const -1) (i64.extend_i32_u (i32.sub (i32.const 64) (i32.shl (local.get $bytes) (i32.const 3)))))))

(func $fingerprint (export "fingerprint") (param $from i32) (param $to i32) (result f64)
  (local $a i64) (local $b i64) (local $length i64)
  (local.set $length (i64.extend_i32_u (i32.sub (local.get $to) (local.get $from))))
  (local.set $a (global.get $seed))
  (local.set $b (global.get $seed))
  (block $rest
    (loop $words
      (br_if $rest (i32.lt_u (i32.sub (local.get $to) (local.get $from)) (i32.const 16)))
      (local.set $a (i64.xor (local.get $a) (call $k1 (i64.load align=1 (local.get $from)))))
      (local.set $a (i64.add (i64.mul (i64.add (i64.rotl (local.get $a) (i64.const 27)) (local.get $b)) (i64.const 5)) (i64.const 0x52dce729)))
      (local.set $b (i64.xor (local.get $b) (call $k2 (i64.load offset=8 align=1 (local.get $from)))))
      (local.set $b (i64.add (i64.mul (i64.add (i64.rotl (local.get $b) (i64.const 31)) (local.get $a)) (i64.const 5)) (i64.const 0x38495ab5)))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (br $words)))
  (if (i32.gt_u (i32.sub (local.get $to) (local.get $from)) (i32.const 8))
    (then
      (local.set $a (i64.xor (local.get $a) (call $k1 (i64.load align=1 (local.get $from)))))
      (local.set $from (i32.add (local.get $from) (i32.const 8)))
      (local.set $b (i64.xor (local.get $b) (call $k2 (call $start (local.get $from) (i32.sub (local.get $to) (local.get $from)))))))
    (else
      (if (i32.gt_u (local.get $to) (local.get $from))
        (then
          (local.set $a (i64.xor (local.get $a) (call $k1 (call $start (local.get $from) (i32.sub (local.get $to) (local.get $from))))))))))
  (local.set $a (i64.xor (local.get $a) (local.get $length)))
  (local.set $b (i64.xor (local.get $b) (local.get $length)))
  (local.set $a (i64.add (local.get $a) (local.get $b)))
  (local.set $b (i64.add (local.get $b) (local.get $a)))
  (local.set $a (i64.shr_u (i64.add (call $mixed (local.get $a)) (call $mixed (local.get $b))) (i64.const 11)))
  (f64.convert_i64_u (select (i64.const 1) (local.get $a) (i64.eqz (local.get $a)))))

(func $slotOf (param $hash f64) (result i32)
  (i32.and
    (i32.wrap_i64 (i64.mul (i64.trunc_f64_u (local.get $hash)) (i64.const 0x9e3779b1)))
    (global.get $mask)))

(func $hashOf (param $user i32) (result f64)
  (f64.load (i32.add (global.get $hashes) (i32.shl (local.get $user) (i32.const 3)))))

;; Remembers who was met; files mostly come in the order of the last one.
(func $met (param $who i32) (result i32)
  (if (i32.le_u (local.get $who) (global.get $lastUser))
    (then (global.set $user (local.get $who)))
    (else (global.set $failed (local.get $who))))
  (local.get $who))

;; Who has this fingerprint: a user, or beyond them a record that failed; 0 for none.
(func $find (export "find") (param $hash f64) (result i32)
  (local $slot i32) (local $who i32)
  (if (i32.eqz (global.get $last)) (then (return (i32.const 0))))
  (local.set $who (i32.add (global.get $user) (i32.const 1)))
  (if (i32.le_u (local.get $who) (global.get $lastUser))
    (then
      (if (f64.eq (call $hashOf (local.get $who)) (local.get $hash))
        (then (return (call $met (local.get $who)))))))
  (local.set $who (i32.add (global.get $failed) (i32.const 1)))
  (if (i32.le_u (local.get $who) (global.get $last))
    (then
      (if (f64.eq (call $hashOf (local.get $who)) (local.get $hash))
        (then (return (call $met (local.get $who)))))))
  (if (i32.eqz (global.get $indexed)) (then (call $index)))
  (local.set $slot (call $slotOf (local.get $hash)))
  (loop $probe
    (local.set $who (i32.load (i32.add (global.get $slots) (i32.shl (local.get $slot) (i32.const 2)))))
    (if (i32.eqz (local.get $who)) (then (return (i32.const 0))))
    (if (f64.eq (call $hashOf (local.get $who)) (local.get $hash))
      (then (return (call $met (local.get $who)))))
    (local.set $slot (i32.and (i32.add (local.get $slot) (i32.const 1)) (global.get $mask)))
    (br $probe))
  (unreachable))

;; Makes the table of all whose fingerprint is not 0; the slots are zeroes before. Not before somebody is met out of
;; order: of a file like the last one it is never needed.
(func $index
  (local $user i32) (local $slot i32) (local $hash f64)
  (global.set $indexed (i32.const 1))
  (block $done
    (loop $users
      (br_if $done (i32.ge_u (local.get $user) (global.get $last)))
      (local.set $user (i32.add (local.get $user) (i32.const 1)))
      (local.set $hash (call $hashOf (local.get $user)))
      (br_if $users (f64.eq (local.get $hash) (f64.const 0)))
      (local.set $slot (call $slotOf (local.get $hash)))
      (block $free
        (loop $probe
          (br_if $free (i32.eqz (i32.load (i32.add (global.get $slots) (i32.shl (local.get $slot) (i32.const 2))))))
          (local.set $slot (i32.and (i32.add (local.get $slot) (i32.const 1)) (global.get $mask)))
          (br $probe)))
      (i32.store (i32.add (global.get $slots) (i32.shl (local.get $slot) (i32.const 2))) (local.get $user))
      (br $users))))

;; The fingerprint of a key, as of the text $kind and key in lower case; a UUID (u) as it is.
(func $keyed (param $kind i32) (param $from i32) (param $to i32) (result f64)
  (local $place i32) (local $bytes v128)
  (if (i32.eq (local.get $from) (local.get $to)) (then (return (f64.const 0))))
  (i32.store8 (global.get $key) (local.get $kind))
  (local.set $place (i32.add (global.get $key) (i32.const 1)))
  (loop $blocks
    (local.set $bytes (v128.load align=1 (local.get $from)))
    (if (i32.ne (local.get $kind) (i32.const 117))
      (then (local.set $bytes (v128.or (local.get $bytes) (v128.and (i8x16.splat (i32.const 32))
        (v128.and (i8x16.ge_s (local.get $bytes) (i8x16.splat (i32.const 65)))
          (i8x16.le_s (local.get $bytes) (i8x16.splat (i32.const 90)))))))))
    (v128.store align=1 (local.get $place) (local.get $bytes))
    (local.set $from (i32.add (local.get $from) (i32.const 16)))
    (local.set $place (i32.add (local.get $place) (i32.const 16)))
    (br_if $blocks (i32.lt_u (local.get $from) (local.get $to))))
  (call $fingerprint (global.get $key)
    (i32.sub (local.get $place) (i32.sub (local.get $from) (local.get $to)))))

;; A cell of a record; 0 when its key must be read by others: it has outer spaces, or is too long.
(func $cell (param $out i32) (param $column i32) (param $from i32) (param $to i32) (result i32)
  (local $kind i32) (local $place i32)
  (if (i32.eq (local.get $column) (global.get $uuidAt))
    (then (local.set $kind (i32.const 117)) (local.set $place (i32.const 32)))
    (else (if (i32.eq (local.get $column) (global.get $emailAt))
      (then (local.set $kind (i32.const 101)) (local.set $place (i32.const 40)))
      (else (if (i32.eq (local.get $column) (global.get $usernameAt))
        (then (local.set $kind (i32.const 110)) (local.set $place (i32.const 48)))
        (else (return (i32.const 1))))))))
  (if (i32.eq (local.get $from) (local.get $to)) (then (return (i32.const 1))))
  (if (i32.eq (i32.load8_u (local.get $from)) (i32.const 32)) (then (return (i32.const 0))))
  (if (i32.eq (i32.load8_u (i32.sub (local.get $to) (i32.const 1))) (i32.const 32)) (then (return (i32.const 0))))
  (if (i32.ge_u (i32.sub (local.get $to) (local.get $from)) (global.get $longestKey)) (then (return (i32.const 0))))
  (f64.store (i32.add (local.get $out) (local.get $place))
    (call $keyed (local.get $kind) (local.get $from) (local.get $to)))
  (i32.const 1))

;; Writes down the fingerprints of a record's keys, 0 for none; the record is printable ASCII. False when they must be
;; read by others.
(func $keys (param $out i32) (param $from i32) (param $to i32) (param $quotes i32) (result i32)
  (local $place i32) (local $end i32) (local $isQuoted i32) (local $column i32) (local $last i32)
  (v128.store offset=32 (local.get $out) (v128.const i64x2 0 0))
  (f64.store offset=48 (local.get $out) (f64.const 0))
  (local.set $last (select (global.get $uuidAt) (global.get $emailAt) (i32.gt_s (global.get $uuidAt) (global.get $emailAt))))
  (local.set $last (select (global.get $usernameAt) (local.get $last) (i32.gt_s (global.get $usernameAt) (local.get $last))))
  (local.set $place (call $split (local.get $from) (local.get $to) (local.get $quotes) (i32.const 0)
    (i32.add (local.get $last) (i32.const 1))))
  (if (i32.eqz (local.get $place)) (then (return (i32.const 0))))
  ;; Nobody reads the ends of its cells but this.
  (global.set $nextEnd (local.get $place))
  (loop $cells
    (local.set $isQuoted (i32.and (i32.shr_u (i32.load (local.get $place)) (i32.const 30)) (i32.const 1)))
    (local.set $end (i32.and (i32.load (local.get $place)) (i32.const 0x3fffffff)))
    (if (i32.eqz (call $cell (local.get $out) (local.get $column)
        (i32.add (local.get $from) (local.get $isQuoted)) (i32.sub (local.get $end) (local.get $isQuoted))))
      (then (return (i32.const 0))))
    (local.set $from (i32.add (local.get $end) (i32.const 1)))
    (local.set $place (i32.add (local.get $place) (i32.const 4)))
    (local.set $column (i32.add (local.get $column) (i32.const 1)))
    (br_if $cells (i32.and (i32.lt_u (local.get $end) (local.get $to)) (i32.le_s (local.get $column) (local.get $last)))))
  ;; One without keys may be no row at all.
  (i32.or (i32.or
    (f64.ne (f64.load offset=32 (local.get $out)) (f64.const 0))
    (f64.ne (f64.load offset=40 (local.get $out)) (f64.const 0)))
    (f64.ne (f64.load offset=48 (local.get $out)) (f64.const 0))))

;; Passes over records of users that are known and not met before. The others are written down, 64 bytes each: start,
;; end, line, who has it, fingerprint (f64), number of quotes, where it is not printable ASCII, fingerprints of UUID,
;; email and username (f64), whether they are known, where the ends of its cells are, or 0: not where its keys are
;; known. Stops before a record that is no single line with a line feed and an even number of quotes, or is longer than
;; $longest: whoever can read such a record goes on.
(func (export "sift") (param $limit i32) (param $longest i32) (result i32)
  (local $at i32) (local $block i32) (local $feeds i32) (local $quotes i32) (local $high i32) (local $returns i32) (local $bytes v128) (local $bits i32)
  (local $end i32) (local $hash f64) (local $user i32) (local $out i32) (local $place i32)
  (local.set $out (global.get $out))
  (local.set $at (global.get $at))
  (global.set $nextEnd (global.get $ends))
  (block $stop
    (loop $records
      (br_if $stop (i32.ge_u (local.get $at) (local.get $limit)))
      (br_if $stop (i32.ge_u (local.get $out) (global.get $outEnd)))
      (local.set $block (local.get $at))
      (local.set $quotes (i32.const 0))
      (local.set $high (i32.const 0))
      (loop $blocks
        (local.set $bytes (v128.load align=1 (local.get $block)))
        (local.set $feeds (i8x16.bitmask (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 10)))))
        ;; Of the quotes and returns, those before the line feed count.
        (local.set $bits (i32.sub (i32.and (local.get $feeds) (i32.sub (i32.const 0) (local.get $feeds))) (i32.const 1)))
        (local.set $quotes (i32.add (local.get $quotes) (i32.popcnt (i32.and (local.get $bits)
          (i8x16.bitmask (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 34))))))))
        (local.set $returns (i32.and (local.get $bits)
          (i8x16.bitmask (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 13))))))
        (if (local.get $returns)
          (then (local.set $bits (i32.sub (i32.and (local.get $returns) (i32.sub (i32.const 0) (local.get $returns))) (i32.const 1)))))
        ;; As a signed number what is beyond ASCII is less than a space too.
        (local.set $high (i32.or (local.get $high) (i32.and (local.get $bits) (i8x16.bitmask (v128.or
          (i8x16.lt_s (local.get $bytes) (i8x16.splat (i32.const 32)))
          (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 127))))))))
        (if (local.get $returns)
          (then
            ;; A carriage return: the one right before a line feed, or a line end of its own.
            (local.set $end (i32.add (local.get $block) (i32.ctz (local.get $returns))))
            (br_if $stop (i32.ge_u (i32.add (local.get $end) (i32.const 1)) (local.get $limit)))
            (br_if $stop (i32.ne (i32.load8_u offset=1 (local.get $end)) (i32.const 10)))
            (local.set $block (i32.add (local.get $end) (i32.const 2))))
          (else
            (if (i32.eqz (local.get $feeds))
              (then
                (local.set $block (i32.add (local.get $block) (i32.const 16)))
                (br_if $stop (i32.ge_u (local.get $block) (local.get $limit)))
                (br $blocks)))
            (local.set $end (i32.add (local.get $block) (i32.ctz (local.get $feeds))))
            (br_if $stop (i32.ge_u (local.get $end) (local.get $limit)))
            (local.set $block (i32.add (local.get $end) (i32.const 1))))))
      (br_if $stop (i32.and (local.get $quotes) (i32.const 1)))
      (br_if $stop (i32.gt_u (i32.sub (local.get $end) (local.get $at)) (local.get $longest)))
      (if (global.get $fingerprints)
        (then
          (local.set $hash (call $fingerprint (local.get $at) (local.get $end)))
          (local.set $user (call $find (local.get $hash)))))
      (block $write
        (br_if $write (i32.eqz (local.get $user)))
        (br_if $write (i32.gt_u (local.get $user) (global.get $lastUser)))
        (local.set $place (i32.add (global.get $present) (i32.shr_u (local.get $user) (i32.const 3))))
        (local.set $bits (i32.shl (i32.const 1) (i32.and (local.get $user) (i32.const 7))))
        (br_if $write (i32.and (i32.load8_u (local.get $place)) (local.get $bits)))
        (i32.store8 (local.get $place) (i32.or (i32.load8_u (local.get $place)) (local.get $bits)))
        (global.set $passed (i32.add (global.get $passed) (i32.const 1)))
        (global.set $line (i32.add (global.get $line) (i32.const 1)))
        (local.set $at (local.get $block))
        (br $records))
      (i32.store (local.get $out) (local.get $at))
      (i32.store offset=4 (local.get $out) (local.get $end))
      (i32.store offset=8 (local.get $out) (global.get $line))
      (i32.store offset=12 (local.get $out) (local.get $user))
      (f64.store offset=16 (local.get $out) (local.get $hash))
      (i32.store offset=24 (local.get $out) (local.get $quotes))
      (i32.store offset=28 (local.get $out) (local.get $high))
      (i32.store offset=56 (local.get $out) (i32.const 0))
      (if (i32.eqz (i32.or (local.get $user) (i32.or (local.get $high) (i32.eqz (global.get $delimiter)))))
        (then (i32.store offset=56 (local.get $out)
          (call $keys (local.get $out) (local.get $at) (local.get $end) (local.get $quotes)))))
      (i32.store offset=60 (local.get $out) (i32.const 0))
      (if (i32.eqz (i32.or (i32.load offset=56 (local.get $out)) (i32.eqz (global.get $cellDelimiter))))
        (then (i32.store offset=60 (local.get $out)
          (call $split (local.get $at) (local.get $end) (local.get $quotes) (local.get $high) (i32.const -1)))))
      (local.set $out (i32.add (local.get $out) (i32.const 64)))
      (global.set $line (i32.add (global.get $line) (i32.const 1)))
      (local.set $at (local.get $block))
      (br $records)))
  (global.set $at (local.get $at))
  (i32.div_u (i32.sub (local.get $out) (global.get $out)) (i32.const 64)))
