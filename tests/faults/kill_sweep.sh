#!/usr/bin/env bash
# Kills a sweep with SIGKILL at random moments and calls it again each time, then compares the trained weights of all its runs with
# those of a sweep that was left alone.
#
#   tests/faults/kill_sweep.sh ANACT KILLS LONGEST FOLDER PLAN [JOBS]
#
# ANACT is the command; a sweep lives between 0 and LONGEST seconds; FOLDER (new) takes both sweeps.
set -euo pipefail
if [ $# -lt 5 ]; then sed -n 2,8p "$0" >&2; exit 2; fi
anact=$(realpath "$1") kills=$2 longest=$3 folder=$4 plan=$5 jobs=${6:-2}
mkdir "$folder"
"$anact" sweep --plan "$plan" --jobs "$jobs" --runs-in "$folder/alone" > "$folder/alone.txt" 2>&1
for ((killed = 0; killed < kills; killed++)); do
  "$anact" sweep --plan "$plan" --jobs "$jobs" --runs-in "$folder/killed" >> "$folder/killed.txt" 2>&1 &
  sleep "$(awk -v longest="$longest" -v seed="$RANDOM$RANDOM" 'BEGIN { srand(seed); printf "%.3f", longest * rand() }')"
  kill -KILL $! 2> /dev/null || { echo "the sweep was over after $killed kills"; break; }
  wait $! 2> /dev/null || true
done
"$anact" sweep --plan "$plan" --jobs "$jobs" --runs-in "$folder/killed" >> "$folder/killed.txt" 2>&1
echo "killed $killed times; runs resumed: $(cat "$folder"/killed/*.log | grep -c 'going on from step' || true)"
for run in "$folder"/alone/*/; do
  cmp "$run/weights.safetensors" "$folder/killed/$(basename "$run")/weights.safetensors"
done
echo "the weights of $(find "$folder/alone" -maxdepth 2 -name weights.safetensors | wc -l) runs are the same"
