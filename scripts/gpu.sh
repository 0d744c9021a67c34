#!/usr/bin/env bash
# Runs the checks that need a GPU, on a machine without Rust and without a network. Copy the project
# there, with what was built elsewhere: the programs of `cargo build --release --features gpu`, and
# the executables that `cargo test --release --features gpu --test engine --no-run` and
# `cargo bench --features gpu --bench paper --no-run` print.
#
#   scripts/gpu.sh FOLDER   # FOLDER gets the logs, the numbers of the benchmark and a summary
#
#   REPRO      the program                                     (default: target/release/repro)
#   FIDELITY   the tests of the engine, of which the fidelity test runs             (required)
#   BENCH      the benchmark `paper`                                                (required)
#   PYTHON     a Python with torchvision and torch 2.11.0, whose libraries are loaded
#              (default: python3)
#   LIMIT      seconds for each step, and three times as many for the benchmark (default: 600)
#
# Optional steps:
#
#   EXECUTOR   the tests of the engine: run those of the executor
#   CARD       the tests of the engine: run those in tests/engine/gpu
#   PLAN       a kind of evidence, such as paper: print the hours that it needs on this GPU
#   CLAIM      a claim, such as control_more_images: run it on the GPU in the smoke world, with the
#              ledger FOLDER/ledger, and repeat one of its fine-tunes
#   TOLERANCE  points by which that accuracy may differ        (default: 2, as between seeds)
#
# Continues after a failed step. Exits with 0 if every step succeeded, 1 if one failed, and 66 if
# PYTHON has another version of torch.
set -uo pipefail

out=${1:?the folder for results is missing}
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}
limit=${LIMIT:-600}
required=2.11.0
mkdir -p "$out" || exit 73

script='import torch; print(torch.__version__.split("+")[0], torch.__path__[0])'
found=$("$python" -c "$script") || exit 66
if [[ ${found%% *} != "$required" ]]; then
    echo "gpu: error: $python has torch ${found%% *}, but the program needs $required" >&2
    exit 66
fi
export LD_LIBRARY_PATH=${found#* }/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# The built tests look for goldens there.
export CARGO_MANIFEST_DIR=$project

failed=0
: >"$out/summary.txt"
# Runs a command with a timeout: step NAME SECONDS COMMAND...
step() {
    local name=$1 seconds=$2 began=$SECONDS status=0
    shift 2
    timeout --kill-after=20 "$seconds" "$@" >"$out/$name.log" 2>&1 </dev/null || status=$?
    echo "$name: exit $status, $((SECONDS - began)) s, $out/$name.log" | tee -a "$out/summary.txt"
    ((status == 0)) || failed=1
}
repro=${REPRO:-$project/target/release/repro}
step doctor "$limit" "$repro" doctor
REPRO_REQUIRE=gpu step fidelity "$limit" "${FIDELITY:-FIDELITY is not set}" \
    --exact fidelity::ten_steps_on_a_gpu_agree_with_pytorch --nocapture
step bench $((3 * limit)) "$python" "$project/benches/paper/bench.py" \
    --device cuda --timeout "$limit" --repro "${BENCH:-BENCH is not set}" --json "$out/bench.json"
declare -A tests=([EXECUTOR]=executor:: [CARD]=gpu::)
for name in EXECUTOR CARD; do
    if [[ -n "${!name:-}" ]]; then
        REPRO_REQUIRE=gpu step "${name,,}" "$limit" "${!name}" "${tests[$name]}" --nocapture
    fi
done
on_gpu=(--device cuda --ledger "$out/ledger")
if [[ -n "${PLAN:-}" ]]; then
    step plan "$limit" "$repro" plan --evidence "$PLAN" "${on_gpu[@]}"
fi
if [[ -n "${CLAIM:-}" ]]; then
    # Exit codes up to 3 are verdicts: the claim was run.
    # shellcheck disable=SC2016  # the shell that runs it expands them
    verdict='status=0; "$@" || status=$?; ((status > 3)) && exit "$status"; exit 0'
    step claim "$limit" bash -c "$verdict" - \
        "$repro" verify --evidence smoke --claim "$CLAIM" "${on_gpu[@]}"
    # A row of the table begins with the name of a record; a failed one has `failed` as accuracy.
    record=$("$repro" records --ledger "$out/ledger" | grep -v ' failed ' |
        grep -oEm 1 '^[0-9a-f]{16}')
    step rerun "$limit" "$repro" rerun "${record:-no record}" --tolerance "${TOLERANCE:-2}" \
        "${on_gpu[@]}"
fi
exit "$failed"
