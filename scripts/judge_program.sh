#!/usr/bin/env bash
# Puts the judge (`repro` without libtorch) into a folder, for CI: the program of a release where
# REF is the tag of one, compared with the release's SHA-256, which takes seconds; otherwise it is
# built from this checkout.
#
#   PROJECT   the repository, OWNER/NAME
#   REF       its tag, branch or commit
#   OUT       the folder of the program
#   SERVER    where the repository is            (default: GITHUB_SERVER_URL, or GitHub)
#
# Exit codes: 64 usage error, 66 the program does not have the SHA-256 of its release; those of cargo.
set -euo pipefail

server=${SERVER:-${GITHUB_SERVER_URL:-https://github.com}}
if [[ -z "${PROJECT:-}" || -z "${REF:-}" || -z "${OUT:-}" ]]; then
    echo "judge_program: error: PROJECT, REF and OUT are needed" >&2
    exit 64
fi
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$OUT"
out=$(cd "$OUT" && pwd)

# A release's program for this machine; fails where there is none.
download() {
    local folder=$1 address=$server/$PROJECT/releases/download/$REF
    curl --fail --silent --show-error --location --retry 3 --remote-name-all \
        --output-dir "$folder" "$address/$archive" "$address/SHA256SUMS"
}

archive=repro-$(uname -m)-unknown-linux-musl.tar.gz
if [[ "$REF" =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ && $(uname -s) == Linux ]]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    if download "$folder"; then
        cd "$folder"
        if ! grep -E "^[0-9a-f]{64} [ *]$archive\$" SHA256SUMS | sha256sum --check --quiet -; then
            echo "judge_program: error: $archive does not have the SHA-256 of $REF" >&2
            exit 66
        fi
        tar -xzf "$archive"
        install -m 755 repro/repro "$out/repro"
        echo "judge_program: the program of the release $REF"
        exit 0
    fi
    echo "judge_program: note: $REF has no program for this machine; building it" >&2
fi
cd "$root"
cargo build --release --no-default-features --locked --bin repro </dev/null
install -m 755 "${CARGO_TARGET_DIR:-target}/release/repro" "$out/repro"
echo "judge_program: built from the checkout"
