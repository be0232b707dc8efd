#!/bin/sh
# The tests of the page use a real Chromium. Where none is installed, this script installs it on
# Debian and Ubuntu if it runs as root; elsewhere the tests report that it is missing.
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "setup: installing chromium for the tests"
  log=$(mktemp)
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } >"$log" 2>&1 ||
    { echo "setup: cannot install chromium: $(tail -n 1 "$log")" >&2; exit 1; }
fi
