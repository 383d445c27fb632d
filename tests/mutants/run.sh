#!/usr/bin/env bash
# Changes a crate in small ways, one at a time, and looks whether a test notices: first the crate's own tests, then, for the changes
# that these let pass, those of the crates above it.
#
#   tests/mutants/run.sh CRATE SAMPLE SEED FOLDER [CARGO-MUTANTS-OPTIONS…]
#
# CRATE is autograd, layers or anact; about SAMPLE changes are tried, spread over all files (0: all of them), another SEED tries
# others; FOLDER (new) takes what was found. For 100 changes of the ops alone:
#
#   tests/mutants/run.sh autograd 100 1 mutants --file 'autograd/src/ops/*.rs'
#
# Needs cargo-mutants 27.1; README.md says how it is installed.
set -euo pipefail
if [ $# -lt 4 ]; then sed -n 2,12p "$0" >&2; exit 2; fi
crate=$1 sample=$2 seed=$3 folder=$(realpath -m "$4")
shift 4
cd "$(dirname "$0")/../.."
case $crate in
  autograd) above=(layers anact tests) ;;
  layers) above=(anact tests) ;;
  anact) above=(tests) ;;
  *) echo "CRATE is $crate; want autograd, layers or anact" >&2; exit 2 ;;
esac
for number in "$sample" "$seed"; do
  [[ $number =~ ^(0|[1-9][0-9]*)$ ]] || { echo "SAMPLE and SEED are $sample and $seed; want numbers from 0" >&2; exit 2; }
done
chosen=(--package "$crate" "$@")
count=$(cargo mutants --list "${chosen[@]}" | wc -l)
[ "$count" -gt 0 ] || { echo "no changes of $crate are chosen by: $*" >&2; exit 2; }
shards=1
if [ "$sample" -gt 0 ] && [ "$count" -gt "$sample" ]; then shards=$(((count + sample - 1) / sample)); fi
mkdir "$folder"
chosen+=(--shard "$((seed % shards))/$shards" --output "$folder")
echo "$count changes of $crate, of which every ${shards}th from $((seed % shards)) on is tried"
# A patch that adds the lines of these changes as they are now. Changes that delete a field of a struct heed no name (--re), but only
# those of lines that a patch adds are tried, if the lines in the file are the patch's.
patch_of_lines() {
  local file='' path number
  cut -d: -f1,2 | sort -t: -k1,1 -k2,2n -u | while IFS=: read -r path number; do
    [ "$path" = "$file" ] || printf -- '--- a/%s\n+++ b/%s\n' "$path" "$path"
    file=$path
    printf '@@ -%d,0 +%d,1 @@\n+%s\n' "$number" "$number" "$(sed -n "${number}p" "$path")"
  done
}
# 2: some were missed, 3: some took too long; anything else is no result.
try() { "$@" || { code=$?; [ "$code" = 2 ] || [ "$code" = 3 ] || exit "$code"; }; }
try cargo mutants "${chosen[@]}" --test-package "$crate" -- --lib --tests
cp -r "$folder/mutants.out" "$folder/own-tests"
if [ -s "$folder/own-tests/missed.txt" ]; then
  packages=() again=()
  for package in "${above[@]}"; do packages+=(--test-package "$package"); done
  # By name: shards are cut after what was caught is left out, so the same shard would now be other changes.
  while IFS= read -r line; do
    again+=(--re "^$(sed 's/[][\\.^$*+?(){}|]/\\&/g' <<<"$line")\$")
  done <"$folder/own-tests/missed.txt"
  patch_of_lines <"$folder/own-tests/missed.txt" >"$folder/missed.diff"
  rm -rf "$folder/mutants.out"
  # What counts lines of unsafe code notices every change of them, whatever it does.
  try cargo mutants --package "$crate" --output "$folder" --in-diff "$folder/missed.diff" "${again[@]}" "${packages[@]}" \
    -- --lib --tests -- --skip tidy:: --skip inventories::
fi
# Those of a list of the second round that the first has missed: it may try others of their lines.
of_missed() { sort -u "$folder/mutants.out/$1.txt" | comm -12 - <(sort -u "$folder/own-tests/missed.txt"); }
tried=$(for list in caught missed timeout unviable; do of_missed "$list"; done | sort -u)
if [ "$tried" != "$(sort -u "$folder/own-tests/missed.txt")" ]; then
  echo "the second round did not try what the first has missed; see $folder" >&2
  exit 1
fi
number_of() { sort -u "$folder/own-tests/$1.txt" <(of_missed "$1") | wc -l; }
echo "caught $(number_of caught); too slow $(number_of timeout); not compiled $(number_of unviable); survived:"
of_missed missed
