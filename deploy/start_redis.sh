#!/bin/sh
# Start Redis with its users. The password comes from a secret file and goes on as a hash, on
# standard input: it is in no argument, no environment and no file that Redis writes.
# Arguments are further options of the server.
#
# `health` may ping and nothing else; `movie-search` may do anything but administer the server;
# `default` is off. It has every permission all the same: the append-only file is replayed in its
# name, and what it may not do inside a transaction is dropped without a word (redis/redis#14541).
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
