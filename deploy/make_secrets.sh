#!/bin/sh
# Generate the secrets that docker-compose.yml mounts; existing ones are kept.
# The users of the containers are not you, so everyone may read the files, but only you the folder:
# a container reaches a mounted file without going through the folder.
set -eu
cd "$(dirname "$0")/.."
mkdir -p secrets
chmod 700 secrets
for name in admin_token redis_password; do
  file=secrets/$name
  if [ ! -s "$file" ]; then
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$file.new"
    mv "$file.new" "$file"
    echo "created $file"
  fi
  chmod 644 "$file"
done
