#!/bin/sh
# Pin the competitors' newest versions. They never enter the project's own locks. torch is left
# out: deploy/install_torch.py installs the build that the project pins.
set -eu
cd "$(dirname "$0")/../../.."
override=$(mktemp)
trap 'rm -f "$override"' EXIT
echo "torch ; sys_platform == 'never'" >"$override"
torch_needs='filelock fsspec jinja2 mpmath networkx setuptools sympy'
lock() {
  name=$1
  shift
  out=tests/benchmarks/race/competitors/requirements-$name.txt
  printf '%s\n' "$@" |
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --override "$override" \
      --no-header --no-annotate --no-emit-index-url - -o "$out.new"
  {
    echo "# Made by tests/benchmarks/race/competitors/lock.sh; install with pip --no-deps."
    grep -v '^torch==' "$out.new"
  } >"$out"
  rm "$out.new"
}
lock original flask
# shellcheck disable=SC2086
lock txtai 'txtai[api]' sentence-transformers $torch_needs
# shellcheck disable=SC2086
lock infinity 'infinity-emb[server,torch,optimum]' $torch_needs
