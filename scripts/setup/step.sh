#!/usr/bin/env bash
# Runs one long step and says so: what it is, that it still runs, how long it took.
#   step.sh "build the programs" go build ./...
# Passes on the exit code of the command.
set -uo pipefail

label=$1
shift
begin=$SECONDS
echo "==> $label"
"$@"
code=$?
took=$((SECONDS - begin))
if [ "$code" -eq 0 ]; then
    echo "<== $label: done in ${took} s"
else
    echo "<== $label: FAILED (exit code $code) after ${took} s" >&2
fi
exit "$code"
