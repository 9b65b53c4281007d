#!/usr/bin/env bash
# Builds the front end beside dist and then moves it in, so that a build that fails or is stopped leaves the old pages.
#   web.sh FRONT_END_FOLDER WORK_FOLDER
# dist/index.html is committed, to let Go embed the folder where nothing was built; it stays as it is, and the pages
# live in folders beside it.
set -euo pipefail

web=$1
work=$2
rm -rf "$work"
mkdir -p "$work" "$web/dist"
work=$(cd "$work" && pwd)
(cd "$web" && npx --no-install vite build --logLevel warn --outDir "$work" --emptyOutDir)
if [ -e "$work/index.html" ]; then
    echo "web: the build made an index.html at its root; that one is committed and fixed, put pages in folders" >&2
    exit 1
fi
find "$web/dist" -mindepth 1 -maxdepth 1 ! -name index.html -exec rm -rf {} +
cp -R "$work"/. "$web/dist/"
rm -rf "$work"
