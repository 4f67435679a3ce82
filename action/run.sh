#!/usr/bin/env bash
# Makes a private environment in RUNNER_TEMP and runs `mingus-gate ci` in it. The checkout is not trusted: nothing of it
# is imported, and no tool below reads its configuration from there (each is started in the private folder).
set -euo pipefail

unset "${!PYTHON@}" VIRTUAL_ENV UV_PYTHON UV_SYSTEM_PYTHON UV_PROJECT_ENVIRONMENT PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_VIRTUALENV
export PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1

die() {
  echo "::error title=mingus-gate::$1"
  exit "${2:-2}"
}

workspace=$PWD
source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=$(command -v "${INPUT_PYTHON:-python3}") \
  || die "there is no ${INPUT_PYTHON:-python3} on this runner; add actions/setup-python before this step, or name a Python 3.11 or newer in the input python"
case $python in /* | ?:*) ;; *) python=$workspace/$python ;; esac

home=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/mingus-gate.XXXXXX")
cd "$home"

version=$("$python" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])') || die "$python does not run; name a Python 3.11 or newer in the input python"
case $version in
  2.* | 3.[0-9] | 3.10)
    die "mingus-gate needs Python 3.11 or newer, and $python is $version; add actions/setup-python with python-version 3.11 or newer before this step, or name another one in the input python"
    ;;
esac

locked=(--quiet --no-deps --require-hashes --only-binary :all: -r "$source_tree/action/requirements.txt")
[[ ${INPUT_LIVE:-} != true ]] || locked+=(-r "$source_tree/action/live.txt")
pip_only=(--disable-pip-version-check --no-input --no-compile)

with_uv() {
  uv venv --quiet --no-project --python "$python" venv && uv pip install --python venv "${locked[@]}"
}

with_pip() {
  rm -rf venv
  if "$python" -I -m pip --version >/dev/null 2>&1; then # the runner's pip does, which saves installing one
    "$python" -I -m venv --without-pip venv && "$python" -I -m pip --python venv install "${pip_only[@]}" "${locked[@]}"
  else
    "$python" -I -m venv venv && venv/bin/python -I -m pip install "${pip_only[@]}" "${locked[@]}"
  fi
}

# uv is quicker; a runner behind a proxy may have only pip set up for it
{ command -v uv >/dev/null && with_uv; } || with_pip \
  || die "the packages in action/requirements.txt could not be installed; see above" 3

# Copied and not installed: GitHub ships no git history with an action, and a runner need not have setuptools.
own=$(venv/bin/python -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp -R "$source_tree/mingus_gate" "$own/mingus_gate"
cp -R "$source_tree/checklist" "$own/mingus_gate_checklist"

cd "$workspace"
exec "$home/venv/bin/python" -I -X utf8 -m mingus_gate ci
