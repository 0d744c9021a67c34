#!/usr/bin/env bash
# What only a GPU can tell, on a machine that has one but neither Rust nor a network. Copy the project there with
# what was built elsewhere (`cargo build --release --features gpu`, and the executables that `cargo test --release
# --features gpu --test fidelity --no-run` and `cargo bench --features gpu --bench paper --no-run` name).
#
#   REPRO     the program             (default: target/release/repro)
#   FIDELITY  the test of fidelity    (no default)
#   BENCH     the paper's bench       (no default)
#   PYTHON    with torch 2.11.0, whose libraries are loaded, and torchvision   (default: python3)
#   LIMIT     seconds for each step; the bench has three times as many         (default: 600)
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
step doctor "$limit" "${REPRO:-$project/target/release/repro}" doctor
REPRO_REQUIRE=gpu step fidelity "$limit" "${FIDELITY:-FIDELITY is not set}" --exact ten_steps_on_a_gpu_are_pytorchs --nocapture
step bench $((3 * limit)) "$python" "$project/benches/paper/bench.py" --device cuda --timeout "$limit" \
    --repro "${BENCH:-BENCH is not set}" --json "$out/bench.json"
exit "$failed"
