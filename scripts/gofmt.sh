#!/usr/bin/env bash
# Fails with the list of Go files in git (or about to be) that gofmt would change.
set -euo pipefail

cd "$(git rev-parse --show-toplevel)"
mapfile -d '' -t files < <(git ls-files -z --cached --others --exclude-standard '*.go')
present=()
for file in "${files[@]}"; do
    case $file in testdata/* | */testdata/*) continue ;; esac
    if [ -e "$file" ]; then present+=("$file"); fi
done
if [ ${#present[@]} -eq 0 ]; then exit 0; fi
unformatted=$(gofmt -s -l "${present[@]}")
if [ -n "$unformatted" ]; then
    printf 'gofmt: run gofmt -s -w on:\n%s\n' "$unformatted" >&2
    exit 1
fi
