#!/usr/bin/env bash
# Damages real data files and loads each copy, with the address space of the process limited, so that an allocation on the
# word of a forged length would end it. Prints what became of the copies; fails on a panic or a dead process.
#
#     bash tests/faults/damaged_files.sh COPIES DATASET PATH FILE [DATASET PATH FILE ...]
#
# FILE is a file of the folder PATH, or `-` when PATH is an archive. With no more than COPIES given: the embedded images.
set -uo pipefail
cd "$(dirname "$0")/../.."
copies=${1:-1000}
shift || true
limit_mb=2048
cargo build --quiet --release -p datasets --example damaged_copies || exit 1
program=${CARGO_TARGET_DIR:-target}/release/examples/damaged_copies
if [ $# -eq 0 ]; then
  embedded=datasets/data/fashion-mnist-5k
  for file in train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz; do
    set -- "$@" fashion-mnist "$embedded" "$file"
  done
fi
failed=0
while [ $# -ge 3 ]; do
  prlimit --as=$((limit_mb << 20)) "$program" "$1" "$2" "$3" "$copies" || { echo "FAILED: $1 $3"; failed=1; }
  shift 3
done
exit $failed
