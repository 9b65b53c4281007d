#!/usr/bin/env bash
# Writes what a command prints into a file, only when the command succeeds and only when it differs, so that a failed
# generator leaves no half file and an unchanged one triggers no rebuild.
#   gen.sh FILE COMMAND…
set -euo pipefail

file=$1
shift
mkdir -p "$(dirname "$file")"
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
"$@" >"$fresh"
if [ ! -s "$fresh" ]; then
    echo "gen: $* printed nothing for $file" >&2
    exit 1
fi
if ! cmp -s "$fresh" "$file"; then
    cat "$fresh" >"$file"
    echo "gen: wrote $file"
fi
