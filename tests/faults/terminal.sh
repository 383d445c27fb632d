#!/usr/bin/env bash
# Ends training runs under the dashboard in every way there is, in a terminal of tmux, and looks each time whether the terminal is
# as it was: the ordinary screen, the same modes, a cursor, and the exit code that there should be.
#
#   tests/faults/terminal.sh ANACT FOLDER TRAIN-OPTIONS…
#
# ANACT is the command; FOLDER (new) takes the runs. The run should take a minute or more, with steps of at most a second. Panics are
# tried, too, if the example `panic` was built beside the command:
#
#   cargo build --release -p bench-harness --bin anact --example panic
#   tests/faults/terminal.sh target/release/anact terminal --model resnet20 --epochs 1000
set -euo pipefail
if [ $# -lt 3 ]; then sed -n 2,12p "$0" >&2; exit 2; fi
anact=$(realpath "$1")
mkdir "$2"
folder=$(realpath "$2")
shift 2
tmux=(tmux -L "anact-faults-$$" -f /dev/null)
"${tmux[@]}" new-session -d -x 100 -y 30 "env PS1='ready> ' bash --norc --noprofile -i"
trap '"${tmux[@]}" kill-server' EXIT
failed=0
say() { "${tmux[@]}" send-keys -l "$1"; "${tmux[@]}" send-keys Enter; }
shows() { "${tmux[@]}" capture-pane -p; }
alternate() { "${tmux[@]}" display-message -p '#{alternate_on}'; }
# until WHAT COMMAND…: waits until the command succeeds.
until_() { local what=$1; shift; for _ in $(seq 200); do if "$@"; then return; fi; sleep 0.1; done; echo "FAILED: $what"; shows; failed=1; }
is_up() { [ "$(alternate)" = 1 ] && shows | grep -q 'p pause\|p go on'; }
is_down() { [ "$(alternate)" = 0 ]; }
has() { [ -e "$1" ]; }
process() { pgrep -f -- "--output $folder/$1\$" | tail -1; }

# run NAME EXIT-CODE COMMAND…: starts a run, waits for the dashboard, does something to it, and looks.
run() { look "$1" "$2" "$anact train $options --output $folder/$1" "${@:3}"; }

# look NAME EXIT-CODE PROGRAM COMMAND…: the same with any program that shows the dashboard.
look() {
  local name=$1 code=$2 program=$3
  shift 3
  # In a subshell, which has to stop and go on with it.
  say "clear; stty -g > $folder/$name.before; ($program; echo \$? > $folder/$name.code; stty -g > $folder/$name.after)"
  until_ "$name: no dashboard" is_up
  "$@"
  until_ "$name: no end" has "$folder/$name.after"
  until_ "$name: the dashboard's screen is left" is_down
  local found
  found=$(cat "$folder/$name.code" 2> /dev/null || echo none)
  if [ "$found" = "$code" ] && cmp -s "$folder/$name.before" "$folder/$name.after" && [ "$("${tmux[@]}" display-message -p '#{cursor_flag}')" = 1 ]; then
    echo "$name: exit code $found, the terminal is as it was"
  else
    echo "FAILED: $name: exit code $found instead of $code, or the terminal is not as it was"
    shows
    failed=1
  fi
}
options="$*"
keys() { local key; for key in "$@"; do "${tmux[@]}" send-keys "$key"; sleep 0.3; done; }
run stop 75 keys s
run interrupt 75 keys C-c
run twice 130 "${tmux[@]}" send-keys C-c C-c
run terminate 75 eval 'kill -TERM "$(process terminate)"'
run signal 75 eval 'kill -INT "$(process signal)"'
run hang-up 75 eval 'kill -HUP "$(process hang-up)"'
run quit 131 eval 'kill -QUIT "$(process quit)"'
run paused 75 keys p c q
# An Alt-[ that nothing follows and half a character of Latin 1 are no key, and the next one is.
half_keys() {
  "${tmux[@]}" send-keys -H 1b 5b e9
  sleep 0.3
  keys s
}
run half-keys 75 half_keys
panics=$(dirname "$anact")/examples/panic
if [ -x "$panics" ]; then
  look panic-trainer 101 "$panics trainer" true
  look panic-thread 0 "$panics thread" true
else
  echo "panics are not tried, for want of $panics"
fi
# A shell that the terminal was made for and that has no jobs: nobody would let a stopped run go on, so it is not stopped.
alone() {
  "${tmux[@]}" new-window "sh -c '$anact train $options --output $folder/alone; echo \$? > $folder/alone.code'"
  until_ "alone: no dashboard" is_up
  keys C-z
  until_ "alone: does not say why it is not suspended" eval 'shows | grep -q "no shell would"'
  keys s
  until_ "alone: no end" has "$folder/alone.code"
  echo "alone: exit code $(cat "$folder/alone.code")"
  [ "$(cat "$folder/alone.code")" = 75 ] || failed=1
}
alone
suspend() {
  keys C-z
  until_ "suspend: not suspended" is_down
  until_ "suspend: the shell does not say so" eval 'shows | grep -q Stopped'
  say fg
  until_ "suspend: not back" is_up
  kill -TSTP -- "-$(ps -o pgid= -p "$(process suspend)" | tr -d ' ')"
  until_ "suspend: SIGTSTP does nothing" is_down
  say bg
  sleep 1
  until_ "suspend: draws in the background" is_down
  say fg
  until_ "suspend: not back from the background" is_up
  keys s
}
run suspend 75 suspend
resize() {
  local size
  for size in 40x10 20x5 3x2 200x60 100x30; do
    "${tmux[@]}" resize-window -x "${size%x*}" -y "${size#*x}"
    sleep 0.5
  done
  until_ "resize: not drawn" is_up
  keys s
}
run resize 75 resize
[ "$failed" = 0 ] && echo "the terminal survived everything"
exit "$failed"
