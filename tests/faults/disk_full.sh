#!/usr/bin/env bash
# Trains onto a file system that becomes full, and resumes after there is room again. Needs the right to mount a tmpfs.
#
#   tests/faults/disk_full.sh ANACT
set -euo pipefail
if [ $# -ne 1 ]; then sed -n 2,4p "$0" >&2; exit 2; fi
anact=$(realpath "$1")
mount=$(mktemp -d)
trap 'umount "$mount" 2> /dev/null || true; rmdir "$mount"' EXIT
mount -t tmpfs -o size=12m tmpfs "$mount"
options=(--model mlp --width 256 --train-images 640 --test-images 100 --batch 64 --epochs 6 --seed 1)
"$anact" train "${options[@]}" --output "$mount/alone" > /dev/null 2>&1
expected=$(sha256sum < "$mount/alone/weights.safetensors")
rm -rf "$mount/alone"
# What is left is room for two checkpoints and not for the third that is written before the first is removed.
head -c 6M /dev/zero > "$mount/ballast"
status=0
"$anact" train "${options[@]}" --output "$mount/run" > /dev/null 2> "$mount/../disk_full.$$" || status=$?
message=$(tail -1 "$mount/../disk_full.$$")
rm "$mount/../disk_full.$$"
echo "exit $status: $message"
[ "$status" -eq 2 ] && [[ "$message" == *"No space left"* ]]
ls "$mount/run/checkpoints"
rm "$mount/ballast"
"$anact" train --resume "$mount/run" > /dev/null 2>&1
[ "$(sha256sum < "$mount/run/weights.safetensors")" = "$expected" ]
echo "resumed after room was made: the weights are those of a run that was left alone"
