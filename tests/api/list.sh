#!/usr/bin/env bash
# The public API of the libraries as text, in docs/api/, one item to a line: what a change adds, removes or turns into something else is
# then in its diff. Without an argument it says how the committed listing differs and fails if it does; `--write` takes the new one.
#
#     cargo install cargo-public-api --version 0.52.0 --locked    # reads what rustdoc of a nightly from August 2025 on writes
#     tests/api/list.sh [--write]
#
# A listing says that something has changed, not whether users notice. That is what `cargo semver-checks` judges, between a commit and now:
#
#     cargo semver-checks -p autograd --baseline-rev COMMIT
set -euo pipefail
cd "$(dirname "$0")/../.."

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
for crate in autograd layers anact datasets; do
  # Without what the compiler adds to every type: blanket implementations, auto traits, derives.
  cargo public-api -p "$crate" --all-features -sss --color never > "$new/$crate.txt"
done
if [ "${1:-}" = --write ]; then
  mkdir -p docs/api
  cp "$new"/*.txt docs/api/
else
  diff -ru docs/api "$new"
fi
