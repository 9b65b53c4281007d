#!/usr/bin/env bash
# Generates everything afresh and fails when that changes a file, or when a generated file is not in git.
#   drift.sh PATH…
# It compares before and after, not with HEAD: somebody who has generated and not yet committed is right.
set -euo pipefail

list() { find "$@" -type f 2>/dev/null | sort; }
sums() { list "$@" | while read -r file; do sha256sum "$file"; done; }

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
for path in "$@"; do
    if [ -e "$path" ]; then
        mkdir -p "$copy/$(dirname "$path")"
        cp -R "$path" "$copy/$path"
    fi
done
before=$(sums "$@")
make gen
after=$(sums "$@")

if [ "$before" != "$after" ]; then
    echo "drift: make gen changes what was there. Commit what it wrote:" >&2
    for path in "$@"; do
        diff -ruN "$copy/$path" "$path" | head -n 60 >&2 || true
    done
    exit 1
fi
untracked=$(git ls-files --others -- "$@")
if [ -n "$untracked" ]; then
    printf 'drift: generated and not committed:\n%s\n' "$untracked" >&2
    exit 1
fi
echo "drift: $(list "$@" | wc -l) generated files are what make gen writes"
