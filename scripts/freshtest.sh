#!/usr/bin/env bash
# Proves the promise of the README: on a bare Debian 12 with Go and Node, a fresh clone needs two commands. It makes that
# Debian in a folder, clones this repository's HEAD into it, runs the commands, and prints how long each took.
#   sudo scripts/freshtest.sh [COMMAND…]       without a command: make demo and make test, each twice
# Settings by environment:
#   FRESH_DIR   folder for the Debian (default /var/tmp/lotkeeper-fresh); deleted first and, unless KEEP=1, afterwards
#   FRESH_USER  root, or user for a person with sudo (default user)
# Needs root, debootstrap, and the package mirror this machine is set up with. Its processes live in their own process
# and mount namespaces and end with it. The network is this machine's, so ports in use here are in use there.
set -euo pipefail

repo=$(cd "$(dirname "$0")/.." && pwd)
fresh=${FRESH_DIR:-/var/tmp/lotkeeper-fresh}
who=${FRESH_USER:-user}

if [ "$(id -u)" -ne 0 ]; then
    echo "freshtest: run as root: a chroot needs it" >&2
    exit 1
fi
for tool in debootstrap unshare git go node npm; do
    command -v "$tool" >/dev/null || { echo "freshtest: $tool was not found (apt-get install debootstrap)" >&2; exit 1; }
done
case $who in root | user) ;; *)
    echo "freshtest: FRESH_USER is root or user, not '$who'" >&2
    exit 2
    ;;
esac

summary=()
timed() {
    local label=$1 begin=$SECONDS code=0
    shift
    echo "=== fresh: $label"
    "$@" || code=$?
    summary+=("$(printf '%6s s  exit %-3s %s' "$((SECONDS - begin))" "$code" "$label")")
    return "$code"
}

finish() {
    code=$?
    echo
    echo "fresh Debian: $(cat "$fresh/etc/debian_version" 2>/dev/null || echo none), as $who, $(nproc) cores"
    if [ ${#summary[@]} -gt 0 ]; then printf '%s\n' "${summary[@]}"; fi
    if [ "${KEEP:-0}" != 1 ]; then rm -rf --one-file-system "$fresh"; fi
    exit "$code"
}
trap finish EXIT

# --- A bare Debian, from the mirror apt uses here -----------------------------------------------------------------

# shellcheck disable=SC2016 # apt expands these
archives() { apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | sort -u; }
mirror=$(archives | awk '$2 == "bookworm" {print $1}')
if [ -z "$mirror" ]; then
    echo "freshtest: apt knows no mirror of bookworm (apt-get update?)" >&2
    exit 1
fi
if mountpoint -q "$fresh/proc" 2>/dev/null; then
    echo "freshtest: $fresh/proc is mounted: is another run going on?" >&2
    exit 1
fi
rm -rf --one-file-system "$fresh"
mkdir -p "$fresh"
timed "debootstrap" debootstrap --variant=minbase --include=ca-certificates,git,make,sudo bookworm "$fresh" "$mirror" >"$fresh.log" 2>&1 ||
    { tail -n 20 "$fresh.log" >&2; exit 1; }

# The same mirrors, security updates too, and the same trust in certificates.
archives | awk '$2 ~ /^bookworm/ {print "deb", $1, $2, "main"}' >"$fresh/etc/apt/sources.list"
cp -L /etc/resolv.conf /etc/hosts "$fresh/etc/"
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    cp /usr/local/share/ca-certificates/*.crt "$fresh/usr/local/share/ca-certificates/"
    chroot "$fresh" update-ca-certificates >/dev/null 2>&1
fi

# --- Go and Node, as their archives would unpack them --------------------------------------------------------------

cp -R "$(go env GOROOT)" "$fresh/usr/local/go"
mkdir -p "$fresh/usr/local/bin" "$fresh/usr/local/lib/node_modules"
cp "$(readlink -f "$(command -v node)")" "$fresh/usr/local/bin/node"
npm_home=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
cp -R "$npm_home" "$fresh/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$fresh/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$fresh/usr/local/bin/npx"

# --- A person and a clone ------------------------------------------------------------------------------------------

home=/root
if [ "$who" = user ]; then
    home=/home/user
    chroot "$fresh" useradd --create-home --shell /bin/bash user
    echo 'user ALL=(ALL) NOPASSWD: ALL' >"$fresh/etc/sudoers.d/user"
fi
timed "git clone" git -c safe.directory='*' clone --quiet --no-hardlinks "$repo" "$fresh$home/lotkeeper"
chroot "$fresh" chown -R "$who:" "$home/lotkeeper"

# inside COMMAND…: in the clone, as that person, with an environment of nothing but a path.
inside() {
    # shellcheck disable=SC2016 # expanded inside
    unshare --pid --fork --kill-child --mount --propagation private /bin/bash -c '
        set -e
        fresh=$1 who=$2 home=$3
        shift 3
        mount -t proc proc "$fresh/proc"
        mount -t tmpfs tmpfs "$fresh/dev/shm"
        mount -t devpts -o newinstance,ptmxmode=0666 devpts "$fresh/dev/pts"
        exec chroot --userspec="$who" "$fresh" /usr/bin/env -i HOME="$home" USER="$who" LANG=C.UTF-8 TERM=dumb \
            PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
            /bin/bash -c "cd \"\$HOME/lotkeeper\" && exec \"\$@\"" fresh "$@"
    ' inside "$fresh" "$who" "$home" "$@" </dev/null
}

if [ $# -gt 0 ]; then
    timed "$*" inside "$@"
else
    timed "make demo, 60 s of it" inside env DEMO_FOR=60s make demo
    timed "make test" inside make test
    timed "make demo again" inside env DEMO_FOR=60s make demo
    timed "make test again" inside make test
fi
