#!/usr/bin/env bash
# Kills a training run with SIGKILL at random moments, resumes it each time, and compares the trained weights with those of a run
# that was left alone.
#
#   tests/faults/kill_and_resume.sh ANACT KILLS LONGEST FOLDER TRAIN-OPTIONS…
#
# ANACT is the command; a process lives between 0 and LONGEST seconds; FOLDER (new) takes both runs. For resnet20 on CIFAR-10:
#
#   tests/faults/kill_and_resume.sh target/release/anact 50 60 kills --dataset cifar10 --data cifar-10-binary.tar.gz \
#       --model resnet20 --epochs 2 --checkpoint-steps 20
set -euo pipefail
if [ $# -lt 5 ]; then sed -n 2,12p "$0" >&2; exit 2; fi
anact=$(realpath "$1") kills=$2 longest=$3 folder=$4
shift 4
mkdir "$folder"
"$anact" train "$@" --output "$folder/alone" > "$folder/alone.log" 2>&1
killed=0 resumed=0
while true; do
  if compgen -G "$folder/killed/checkpoints/step-*" > /dev/null; then
    "$anact" train --resume "$folder/killed" >> "$folder/killed.log" 2>&1 &
    is_resumed=1
  else
    # Without a checkpoint there is nothing to resume.
    rm -rf "$folder/killed"
    "$anact" train "$@" --output "$folder/killed" >> "$folder/killed.log" 2>&1 &
    is_resumed=0
  fi
  process=$!
  if [ "$killed" -lt "$kills" ]; then
    sleep "$(awk -v longest="$longest" -v seed="$RANDOM$RANDOM" 'BEGIN { srand(seed); printf "%.3f", longest * rand() }')"
    if kill -KILL "$process" 2> /dev/null; then
      wait "$process" 2> /dev/null || true
      killed=$((killed + 1)) resumed=$((resumed + is_resumed))
      continue
    fi
  fi
  wait "$process" || { echo "a process failed:"; tail -3 "$folder/killed.log"; exit 1; }
  break
done
echo "killed $killed times, $resumed of them in processes started from a checkpoint"
sha256sum "$folder/alone/weights.safetensors" "$folder/killed/weights.safetensors"
cmp "$folder/alone/weights.safetensors" "$folder/killed/weights.safetensors"
echo "the weights are the same"
