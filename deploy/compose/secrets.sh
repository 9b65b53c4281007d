#!/usr/bin/env bash
# Makes the secrets of docker-compose.yml once; those that exist stay. Optional argument: another folder.
set -euo pipefail

folder=${1:-$(cd "$(dirname "$0")" && pwd)/secrets}
if [ -e "$folder/database_password" ]; then
    echo "secrets: $folder has a password already: left as it is"
    exit 0
fi
mkdir -p "$folder"
chmod 700 "$folder"
password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
# Readable by all inside the folder that only its owner enters: compose mounts the files as they are, for users of
# containers that have other numbers than ours.
printf '%s' "postgres://lotkeeper:$password@postgres:5432/lotkeeper?sslmode=disable" >"$folder/database_url"
printf '%s' "$password" >"$folder/database_password"
chmod 644 "$folder"/*
echo "secrets: made in $folder"
