#!/usr/bin/env bash
# Installs the wheel of a folder in a fresh environment, without a network, and asks it for the
# verdicts on the published runs from an empty folder: it must need nothing but itself. Prints how
# long the installation and the first answer took.
#
#   scripts/try_wheel.sh DIST
set -euo pipefail

if (($# != 1)); then
    echo "try_wheel: usage: scripts/try_wheel.sh DIST" >&2
    exit 64
fi
wheels=("$(cd "$1" && pwd)"/*.whl)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv environment
TIMEFORMAT="try_wheel: installed in %R s (%U s of a processor)"
time environment/bin/python -m pip install --quiet --no-index --no-deps "${wheels[@]}"
TIMEFORMAT="try_wheel: first answer in %R s (%U s of a processor)"
time environment/bin/repro verify --evidence published --expected >answer.txt
tail -n 3 answer.txt
TIMEFORMAT="try_wheel: second answer in %R s (%U s of a processor)"
time environment/bin/repro verify --evidence published --expected >answer.txt
