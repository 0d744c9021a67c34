#!/usr/bin/env bash
# What only a GPU can tell, on a machine that has one but neither Rust nor a network. Copy the project there with
# what was built elsewhere (`cargo build --release --features gpu`, and the executables that `cargo test --release
# --features gpu --test engine --no-run` and `cargo bench --features gpu --bench paper --no-run` name).
#
#   REPRO     the program             (default: target/release/repro)
#   FIDELITY  the tests of the engine (no default), of which those of fidelity are run
#   BENCH     the paper's bench       (no default)
#   PYTHON    with torch 2.11.0, whose libraries are loaded, and torchvision   (default: python3)
#   LIMIT     seconds for each step; the bench has three times as many         (default: 600)
#
# And where they are set:
#
#   EXECUTOR  the tests of the engine again, for the executor's: what compares results runs on the GPU
#   CARD      ... and for those of what the program does with a GPU (tests/engine/gpu), the same
#   PLAN      a kind of evidence to price on the GPU, such as paper: how many hours it asks for
#   CLAIM     a claim to be run on the GPU in the smoke world, such as control_more_images, into FOLDER/ledger; and
#             one of its records is run again, which may differ by WITHIN points   (default: 2, as between seeds)
#
#   scripts/gpu.sh FOLDER             # where logs, the bench's numbers and a summary go
#
# Goes on after a failure. Exits with 0 if every step did, else with 1; with 66 where torch is another.
set -uo pipefail

out=${1:?name a folder for results}
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}
limit=${LIMIT:-600}
wanted=2.11.0
mkdir -p "$out" || exit 73

found=$("$python" -c 'import torch; print(torch.__version__.split("+")[0], torch.__path__[0])') || exit 66
if [[ ${found%% *} != "$wanted" ]]; then
    echo "gpu: $python has torch ${found%% *}, and the program is built for $wanted" >&2
    exit 66
fi
export LD_LIBRARY_PATH=${found#* }/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# Where the built test looks for its goldens.
export CARGO_MANIFEST_DIR=$project

failed=0
: >"$out/summary.txt"
# Runs a command with a limit: a name, seconds, the command.
step() {
    local name=$1 seconds=$2 began=$SECONDS status=0
    shift 2
    timeout --kill-after=20 "$seconds" "$@" >"$out/$name.log" 2>&1 </dev/null || status=$?
    echo "$name: exit $status, $((SECONDS - began)) s, $out/$name.log" | tee -a "$out/summary.txt"
    ((status == 0)) || failed=1
}
repro=${REPRO:-$project/target/release/repro}
step doctor "$limit" "$repro" doctor
REPRO_REQUIRE=gpu step fidelity "$limit" "${FIDELITY:-FIDELITY is not set}" --exact fidelity::ten_steps_on_a_gpu_are_pytorchs --nocapture
step bench $((3 * limit)) "$python" "$project/benches/paper/bench.py" --device cuda --timeout "$limit" \
    --repro "${BENCH:-BENCH is not set}" --json "$out/bench.json"
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
    # Whatever the verdict, from 0 to 3, it was run.
    step claim "$limit" bash -c 'status=0; "$@" || status=$?; ((status > 3)) && exit "$status"; exit 0' - \
        "$repro" verify --evidence smoke --claim "$CLAIM" "${on_gpu[@]}"
    # A record's row begins with its name, and says `failed` where others have their accuracy.
    record=$("$repro" runs --ledger "$out/ledger" | grep -v ' failed ' | grep -oEm 1 '^[0-9a-f]{16}')
    step rerun "$limit" "$repro" rerun "${record:-there is no record}" --within "${WITHIN:-2}" "${on_gpu[@]}"
fi
exit "$failed"
