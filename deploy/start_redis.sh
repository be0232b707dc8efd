#!/bin/sh
# Start Redis with its users. The password comes from a secret file and goes on as a hash, on
# standard input: it is in no argument, no environment and no file that Redis writes.
# Arguments are further options of the server.
# `health` may ping and nothing else; `movie-search` may do anything but administer the server.
set -eu
config=${REDIS_CONFIG:-/usr/local/etc/redis/redis.conf}
file=${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}
[ -s "$file" ] || { echo "redis: $file is missing or empty" >&2; exit 1; }
hash=$(tr -d '[:space:]' <"$file" | sha256sum | cut -d ' ' -f 1)
exec redis-server "$config" "$@" - <<USERS
user default reset
user health reset on nopass +ping
user movie-search reset on #$hash ~* &* +@all -@admin -@dangerous
USERS
