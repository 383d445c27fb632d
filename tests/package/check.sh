#!/usr/bin/env bash
# A dry run of `cargo package` for every crate, in a copy of what git knows: there, crates may be published, and depend on each other by
# version (docs/DEPENDENCIES.md says why they do not here). Prints what each package takes, and its largest files. Packages are
# built from what is in them with `--verify`, which takes minutes.
#
#     tests/package/check.sh [--verify]
set -euo pipefail
cd "$(dirname "$0")/../.."

verify=--no-verify
[ "${1:-}" = --verify ] && verify=
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | xargs -0 cp -P --parents -t "$copy"
cd "$copy"
sed -i -E '/^publish = false$/d; s/^([a-z-]+) = \{ path = "([a-z-]+)" \}$/\1 = { path = "\2", version = "=0.1.0" }/' Cargo.toml
sed -i '/^publish.workspace = true$/d' ./*/Cargo.toml
CARGO_TARGET_DIR=$copy/target cargo package --workspace --exclude tests --allow-dirty $verify

for package in target/package/*.crate; do
  printf '\n%s: %s bytes packed\n' "$(basename "$package")" "$(stat -c %s "$package")"
  tar -tzvf "$package" | awk '{ files++; bytes += $3 } END { print "  " files " files, " bytes " bytes" }'
  for file in Cargo.toml LICENSE-MIT LICENSE-APACHE; do
    grep -q "/$file\$" <<< "$(tar -tzf "$package")" || { echo "  no $file" >&2; exit 1; }
  done
  tar -tzvf "$package" | sort -k3 -rn | awk 'NR <= 3 { print "  " $3, $6 }'
done
