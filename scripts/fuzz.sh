#!/usr/bin/env bash
# Runs every fuzz test of the module in turn. A crasher stays as a seed in the package's testdata/fuzz: commit it with
# the repair.
#   FUZZ_FOR=30s ONLY=Plate scripts/fuzz.sh
#   ONLY=Oracle STAYS=50000 SEED=7 scripts/fuzz.sh
set -euo pipefail

span=${FUZZ_FOR:-30s}
only=${ONLY:-.}
found=0
failed=()
while IFS=: read -r file _ line; do
    name=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]+).*/\1/' <<<"$line")
    package=./$(dirname "$file")
    if ! grep -Eq -- "$only" <<<"$package.$name"; then continue; fi
    found=$((found + 1))
    if ! scripts/setup/step.sh "fuzz $package $name for $span" \
        go test -run '^$' -fuzz "^$name\$" -fuzztime "$span" "$package"; then
        failed+=("$package.$name")
    fi
done < <(git grep -nE '^func Fuzz[A-Z]' -- '*_test.go')

# The tariff engine and its oracle: not bytes, but stays.
if grep -Eq -- "$only" <<<"shared/tariff.Oracle"; then
    found=$((found + 1))
    stays=${STAYS:-1000000}
    if ! scripts/setup/step.sh "compare $stays random stays with the oracle (about half an hour for a million)" \
        env GOGC=800 go test -run '^TestOracle$' -timeout 0 ./shared/tariff -stays "$stays" -stays-seed "${SEED:-$(date +%s)}"; then
        failed+=("shared/tariff.Oracle")
    fi
fi

if [ "$found" -eq 0 ]; then
    echo "fuzz: no fuzz test matches '$only'" >&2
    exit 1
fi
if [ ${#failed[@]} -gt 0 ]; then
    printf 'fuzz: failed: %s\n' "${failed[*]}" >&2
    exit 1
fi
echo "fuzz: $found targets, nothing found"
