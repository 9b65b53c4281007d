#!/usr/bin/env bash
# Runs the given make targets one after the other, all of them even when one fails, and ends with the table of what
# passed: a broken rule should not hide a broken test.
#   check.sh TARGET…
set -uo pipefail

failures=0
table=()
for target in "$@"; do
    begin=$SECONDS
    if make "$target"; then
        verdict=passed
    else
        verdict=FAILED
        failures=$((failures + 1))
    fi
    table+=("$(printf '%-8s %s %5s s' "$target" "$verdict" "$((SECONDS - begin))")")
done
echo
printf 'check: %s\n' "${table[@]}"
exit "$((failures > 0))"
