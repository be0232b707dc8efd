#!/bin/sh
# Pin all dependencies in requirements format, which names no host. torch is not included: see
# locks/torch.txt and install_torch.py.
set -eu
cd "$(dirname "$0")/.."
override=$(mktemp)
trap 'rm -f "$override"' EXIT
echo "torch ; sys_platform == 'never'" >"$override"
for extra in local dev; do
  name=$([ "$extra" = local ] && echo runtime || echo dev)
  out=deploy/locks/$name.txt
  set -- --universal --python-version 3.11 --override "$override" --no-header --no-annotate --no-emit-index-url
  # The pure dependencies of torch are pinned here too.
  printf 'filelock\nfsspec\njinja2\nmpmath\nnetworkx\nsetuptools\nsympy\n' |
    .venv/bin/uv pip compile --quiet pyproject.toml - --extra "$extra" "$@" -o "$out.new"
  {
    echo "# Made by \`make lock\`; install with pip --no-deps, after deploy/install_torch.py."
    grep -v '^torch==' "$out.new"
  } >"$out"
  rm "$out.new"
done
