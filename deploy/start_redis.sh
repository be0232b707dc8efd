#!/bin/sh
# Start Redis with its users. The password is read from a secret file and passed on as a hash on
# standard input, so it is in no argument, in no environment and in no file that Redis writes.
# The arguments are further options of the server.
#
# `health` may only ping; `movie-search` may do everything except administer the server; `default`
# is disabled. It still has every permission: Redis replays the append-only file in its name, and
# silently drops commands of a transaction that it may not run (redis/redis#14541).
set -eu
config=${REDIS_CONFIG:-/usr/local/etc/redis/redis.conf}
file=${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}
[ -s "$file" ] || { echo "redis: $file is missing or empty" >&2; exit 1; }
hash=$(tr -d '[:space:]' <"$file" | sha256sum | cut -d ' ' -f 1)
exec redis-server "$config" "$@" - <<USERS
user default reset allcommands allkeys allchannels
user health reset on nopass +ping
user movie-search reset on #$hash ~* &* +@all -@admin -@dangerous
USERS
