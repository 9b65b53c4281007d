#!/usr/bin/env bash
# Installs what this machine lacks, and nothing else.
#   setup.sh run        what the demo needs: PostgreSQL
#   setup.sh test       what the tests and checks need as well
# A thing is looked for by what is used of it (a command, a module, a font), not by its package, so that one that came
# from elsewhere counts. Only what is missing goes to apt, in one call. Run twice, the second time installs nothing.
set -euo pipefail

scope=${1:-test}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/setup/need.sh
. "$here/need.sh"

need_tool go "1.26" "install Go 1.26 or newer: https://go.dev/dl/"
need_tool node "20.0" "install Node.js 20 or newer: https://nodejs.org/"
need_tool npm "10.0" "npm comes with Node.js"

need postgresql-15 has_postgres
case $scope in
run) ;;
test)
    need mosquitto has_command mosquitto
    need chromium has_command chromium
    need fonts-noto-cjk has_cjk_font
    need python3-pymodbus has_pymodbus
    need python3-serial has_pyserial
    need python3-serial-asyncio has_pyserial_asyncio
    need socat has_command socat
    need mbpoll has_command mbpoll
    need shellcheck has_command shellcheck
    need gcc has_command gcc # for go test -race, which links C
    need libc6-dev has_file /usr/include/stdlib.h
    need procps has_command pgrep
    need e2fsprogs has_file /usr/sbin/mkfs.ext4 # disks that fail
    [ "$(id -u)" = 0 ] || need fuse3 has_command fusermount3 # a disk that loses its power
    ;;
*)
    echo "setup: unknown scope '$scope': run or test" >&2
    exit 2
    ;;
esac

install_missing
