#!/usr/bin/env bash
# The parts of setup.sh: what is looked for, how, and how the missing ones are installed. Sourced.

missing=()

# need PACKAGE CHECK…: remembers the package when the check fails.
need() {
    local package=$1
    shift
    if ! "$@" >/dev/null 2>&1; then
        missing+=("$package")
    fi
}

has_command() { PATH=$PATH:/usr/sbin:/sbin command -v "$1"; }
has_file() { test -e "$1"; }
has_postgres() { has_command initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' || test -x "${LOTKEEPER_PG_BIN:-/nonexistent}/initdb"; }
has_pymodbus() { /usr/bin/python3 -c 'import pymodbus'; }
has_pyserial() { /usr/bin/python3 -c 'import serial'; }
has_pyserial_asyncio() { /usr/bin/python3 -c 'import serial_asyncio'; } # pymodbus's server needs it
has_cjk_font() { compgen -G '/usr/share/fonts/opentype/noto/NotoSansCJK-*.ttc' || fc-list :lang=zh family | grep -q .; }

# need_tool NAME MINIMUM ADVICE: stops when a tool we don't install is absent or too old.
need_tool() {
    local name=$1 minimum=$2 advice=$3 found
    if ! has_command "$name" >/dev/null; then
        echo "setup: $name was not found; $advice" >&2
        exit 1
    fi
    case $name in
    go) found=$(GOTOOLCHAIN=local go env GOVERSION) ;;
    *) found=$("$name" --version 2>/dev/null | head -n 1) ;;
    esac
    found=${found#go}
    found=${found#v}
    if [ "$(printf '%s\n%s\n' "$minimum" "$found" | sort -V | head -n 1)" != "$minimum" ]; then
        echo "setup: $name is $found, at least $minimum is needed; $advice" >&2
        exit 1
    fi
}

# as_root COMMAND…: directly as root, else through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

install_missing() {
    if [ ${#missing[@]} -eq 0 ]; then
        echo "setup: nothing is missing"
        return
    fi
    echo "setup: missing: ${missing[*]}"
    if ! has_command apt-get >/dev/null; then
        echo "setup: this is not Debian or a relative of it (no apt-get): install the above by hand and run again" >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ] && ! has_command sudo >/dev/null; then
        echo "setup: not root and no sudo: run as root: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    local log=.cache/setup.log
    mkdir -p .cache
    echo "setup: installing with apt, about a minute; its words go to $log"
    if ! apt_install >"$log" 2>&1 </dev/null; then
        tail -n 30 "$log" >&2
        echo "setup: apt failed; all of its words are in $log" >&2
        exit 1
    fi
    echo "setup: installed"
}

# apt_install first finishes what a Ctrl-C left half done.
apt_install() {
    local quiet=(env DEBIAN_FRONTEND=noninteractive LC_ALL=C)
    patiently as_root "${quiet[@]}" dpkg --configure -a &&
        patiently as_root "${quiet[@]}" apt-get update &&
        patiently as_root "${quiet[@]}" apt-get install -y --no-install-recommends "${missing[@]}"
}

# patiently COMMAND…: again and again, for five minutes, while another installer holds the locks of apt or dpkg, as Debian's
# own does after a start. dpkg does not wait for anybody, and apt-get does for some of its locks only.
patiently() {
    local words code end=$((SECONDS + 300))
    while true; do
        code=0
        words=$("$@" 2>&1) || code=$?
        printf '%s\n' "$words"
        if [ "$code" -eq 0 ] || [ "$SECONDS" -ge "$end" ] ||
            ! grep -qE 'locked by another process|Could not get lock' <<<"$words"; then
            return "$code"
        fi
        sleep 1
    done
}
