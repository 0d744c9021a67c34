#!/usr/bin/env bash
# Packs a built judge for a release: an archive of the program with its licences, and a wheel.
#
#   scripts/release.sh PROGRAM TARGET PLATFORM OUT
#
#   PROGRAM    the program, built without the engine
#   TARGET     what rustc calls the platform: x86_64-unknown-linux-musl
#   PLATFORM   what pip calls it: manylinux_2_17_x86_64
#   OUT        the folder that gets repro-TARGET.tar.gz and the wheel
#
# The names of archives have no version, so that an address can name the latest release.
set -euo pipefail

if (($# != 4)); then
    echo "release: usage: scripts/release.sh PROGRAM TARGET PLATFORM OUT" >&2
    exit 64
fi
program=$1 target=$2 platform=$3 out=$4
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

mkdir -p "$out"
python3 "$root/scripts/wheel.py" "$program" --platform "$platform" --out "$out"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/repro"
install -m 755 "$program" "$folder/repro/repro"
for file in README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT NOTICE; do
    install -m 644 "$root/$file" "$folder/repro/$file"
done
tar -C "$folder" -czf "$out/repro-$target.tar.gz" repro
echo "$out/repro-$target.tar.gz"
