#!/usr/bin/env bash
# Makes the README's picture, goldens/report/report.png: the top of the report on the authors' runs,
# in Chromium without a window.
#
#   scripts/pictures.sh
#
#   REPRO   the program   (default: target/release/repro)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${REPRO:-target/release/repro}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Five claims have no published run, which is exit code 3.
"$program" verify --evidence published --quiet --report "$folder" >"$folder/text" || [[ $? -eq 3 ]]
options=(--headless --hide-scrollbars --disable-gpu "--window-size=1200,1500")
if [[ $(id -u) -eq 0 ]]; then
    # Chromium refuses to run as root with its sandbox; the page is our own.
    options+=(--no-sandbox)
fi
chromium "${options[@]}" --screenshot="$PWD/goldens/report/report.png" "file://$folder/index.html" \
    2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
echo "pictures: goldens/report/report.png"
