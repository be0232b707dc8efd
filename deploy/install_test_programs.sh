#!/bin/sh
# The tests use a real Chromium and a real PostgreSQL. What is not installed, this script installs on
# Debian and Ubuntu if it runs as root; elsewhere the tests report that it is missing.
missing=
found() { for name in "$@"; do command -v "$name" >/dev/null 2>&1 && return; done; return 1; }
found chromium chromium-browser google-chrome || missing="chromium"
found initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "setup: installing $missing for the tests"
  log=$(mktemp)
  # shellcheck disable=SC2086 # two packages
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 ||
    { echo "setup: cannot install $missing: $(tail -n 1 "$log")" >&2; exit 1; }
fi
