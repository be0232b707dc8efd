#!/bin/sh
# Make the secrets that docker-compose.yml mounts; those that are there stay.
# The containers' users are not yours, so the files are readable by all and their folder by you
# alone: a mounted file is reached without passing through the folder.
set -eu
cd "$(dirname "$0")/.."
mkdir -p secrets
chmod 700 secrets
for name in admin_token redis_password; do
  file=secrets/$name
  if [ ! -s "$file" ]; then
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$file.new"
    mv "$file.new" "$file"
    echo "made $file"
  fi
  chmod 644 "$file"
done
