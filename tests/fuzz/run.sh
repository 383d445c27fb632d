#!/usr/bin/env bash
# Fuzzes the readers of files with libFuzzer, which sees what code an input reaches, under AddressSanitizer.
#
#   tests/fuzz/run.sh MINUTES [TARGET...]
#
# Wants a nightly compiler (`rustup toolchain install nightly`) and g++. Targets run one after the other on one core, each for
# MINUTES, from its seeds, the committed corpus and what earlier runs have found, which lies with logs and crashing inputs in
# target/fuzz/work. Then the smallest of the inputs that together reach everything go to tests/fuzz/corpus, up to 14 kB of each
# target.
# Ends with a table, and with an error if there was a crash, with the command that repeats it.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,10p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
seconds=$(awk -v m="$1" 'BEGIN { printf "%d", 60 * m }'); shift
# To libFuzzer 0 is for ever.
[ "$seconds" -gt 0 ] || { sed -n '2,10p' "$0" >&2; exit 2; }
host=$(rustc +nightly -vV | sed -n 's/^host: //p')

most_memory=1024    # megabytes of a process
most_at_once=300    # megabytes of one allocation: the largest picture that is read, with transparency, has 256
most_time=10        # seconds for an input
longest=32768       # bytes of an input: a packed data set has at least 28 kilobytes
kept=14000          # bytes of a target's committed corpus
largest=6400        # bytes of one input in it

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target/fuzz}
work=$CARGO_TARGET_DIR/work
bin=$CARGO_TARGET_DIR/$host/release
cp "$root/Cargo.lock" "$here/Cargo.lock"
flags=(--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0
  -Zsanitizer=address)
RUSTFLAGS="${flags[*]}" cargo +nightly build --manifest-path "$here/Cargo.toml" --release --target "$host"

mkdir -p "$work/seeds"
"$bin/seeds" "$work/seeds"
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(ls "$here/targets" | sed -n 's/\.rs$//p' | grep -v '^seeds$')

for target in "${targets[@]}"; do
  [ -f "$here/targets/$target.rs" ] || { echo "no target $target in $here/targets" >&2; exit 2; }
done

# Inputs that readers want as files never touch a disk.
TMPDIR=$(mktemp -d -p "$([ -d /dev/shm ] && echo /dev/shm || echo /tmp)")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

rows=()
failed=0
for target in "${targets[@]}"; do
  corpus=$work/corpus/$target crashes=$work/crashes/$target log=$work/$target.log
  # What crashed in earlier runs is tried with the rest, and stays there if it does so no more.
  mkdir -p "$corpus" "$crashes" "$here/corpus/$target"
  find "$crashes" -type f -exec mv -t "$corpus" {} +
  limits=(-rss_limit_mb=$most_memory -malloc_limit_mb=$most_at_once -timeout=$most_time -max_len=$longest -detect_leaks=0)
  outcome=0
  nice -n 10 "$bin/$target" "$corpus" "$work/seeds/$target" "$here/corpus/$target" "${limits[@]}" \
    -dict="$work/seeds/words.dict" -max_total_time="$seconds" -artifact_prefix="$crashes/" -print_final_stats=1 \
    >"$log" 2>&1 || outcome=$?

  # Of equal coverage the smaller input, and of these the smallest ones.
  rm -rf "$work/merged/$target" && mkdir -p "$work/merged/$target"
  nice -n 10 "$bin/$target" -merge=1 "${limits[@]}" "$work/merged/$target" "$work/seeds/$target" "$corpus" "$here/corpus/$target" \
    >"$work/$target.merge.log" 2>&1 || outcome=$?
  # Only then are committed files given up: without a merge there is nothing in their place.
  [ -n "$(ls "$work/merged/$target")" ] || { echo "$target: nothing was merged, see $work/$target.merge.log" >&2; exit 1; }
  rm -rf "$here/corpus/$target" && mkdir -p "$here/corpus/$target"
  room=$kept
  while read -r size file; do
    [ "$size" -le "$largest" ] && [ "$size" -le "$room" ] || break
    room=$((room - size))
    cp "$work/merged/$target/$file" "$here/corpus/$target/"
  done < <(cd "$work/merged/$target" && find . -type f -printf '%s %f\n' | sort -n)

  stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
  edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2 || true)
  count=$(find "$crashes" -type f | wc -l)
  [ "$count" -eq 0 ] && [ "$outcome" -eq 0 ] || failed=1
  rows+=("$target|$(stat number_of_executed_units)|$(stat average_exec_per_sec)|$edges|$(stat peak_rss_mb)|$(find "$work/merged/$target" -type f | wc -l)|$(find "$here/corpus/$target" -type f | wc -l)|$(find "$here/corpus/$target" -type f -printf '%s\n' | awk '{ s += $1 } END { print s + 0 }')|$count")
  echo "$target: exit $outcome, $count crashing inputs in $crashes, log in $log"
  for file in "$crashes"/*; do [ -f "$file" ] && echo "  repeat with: $bin/$target $file"; done
done

echo
printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' \
  target executions exec/s edges 'peak MB' corpus committed bytes crashes '---' '---:' '---:' '---:' '---:' '---:' '---:' '---:' '---:'
printf '%s\n' "${rows[@]}" | sed 's/|/ | /g; s/^/| /; s/$/ |/'
exit $failed
