#!/usr/bin/env bash
# Runs the lab world's experiment from packed images to verdicts: source models, fine-tunes, report.
# It can be interrupted at any time, by Ctrl-C or its time limit; the same command resumes it.
#
#   REPRO      the program, built with --features gpu     (default: target/release/repro)
#   DATA       the data folder, with packed images        (default: .data)
#   LEDGER     the folder of records                      (default: .ledger)
#   REPORT     the folder of the report and its notes     (default: report)
#   DEVICE     cuda, or cpu to train the source models only: fine-tunes use tf32 (default: cuda)
#   THREADS    fine-tunes at the same time                (default: that of the program)
#   LIMIT      time limit of this run in seconds          (default: 480)
#   TOLERANCE  points by which the accuracy of a repeated fine-tune may differ (default: 2)
#
# Exits with the exit code of `repro verify`, or with 75 if it was interrupted: run it again.
set -euo pipefail

repro=${REPRO:-target/release/repro}
data=${DATA:-.data}
ledger=${LEDGER:-.ledger}
report=${REPORT:-report}
device=${DEVICE:-cuda}
limit=${LIMIT:-480}
began=$SECONDS
child=
stopped="the time limit of $limit s was reached"
# `timeout` runs in its own process group, which Ctrl-C does not reach.
trap 'stopped=interrupted; [[ -z $child ]] || kill -INT "$child" 2>/dev/null || true' INT
mkdir -p "$report"

# Runs a phase with the remaining time, and prints how long it took and how busy the GPU was.
phase() {
    local name=$1 start=$SECONDS status=0 sampler=
    shift
    local left=$((limit - (SECONDS - began)))
    if ((left <= 0)) || [[ $stopped == interrupted ]]; then
        return 130
    fi
    local busy="$report/gpu-$name.csv"
    if command -v nvidia-smi >/dev/null; then
        nvidia-smi --query-gpu=utilization.gpu,memory.used,power.draw \
            --format=csv,noheader,nounits --loop=1 >>"$busy" 2>/dev/null &
        sampler=$!
    fi
    timeout --preserve-status --kill-after=20 --signal=INT "$left" "$@" &
    child=$!
    # A signal interrupts `wait`, but not the phase.
    while status=0; wait "$child" || status=$?; kill -0 "$child" 2>/dev/null; do :; done
    child=
    if [[ -n $sampler ]]; then
        kill "$sampler" 2>/dev/null || true
        wait "$sampler" 2>/dev/null || true
    fi
    echo "lab: $name: $((SECONDS - start)) s, exit $status" >&2
    if [[ -s $busy ]]; then
        # A driver reports an unknown value as [N/A] or other text.
        awk -F', *' -v name="$name" '
            function known(field) { return field ~ /^[0-9.]+$/ }
            known($1) { busy += $1; samples++ }
            known($2) && $2 + 0 > peak { peak = $2 + 0 }
            known($3) { power += $3; powers++ }
            END {
                printf "lab: %s: GPU busy ", name
                if (samples) printf "%.0f %% of the time", busy / samples; else printf "unknown"
                if (peak) printf ", %d MiB at the peak", peak; else printf ", memory unknown"
                if (powers) printf ", %.0f W", power / powers; else printf ", power unknown"
                printf ", %d samples\n", NR
            }' "$busy" >&2
    fi
    return "$status"
}

# Ends the script after a phase: an interrupted phase is no error.
ended() {
    if (($1 == 130)); then
        echo "lab: $stopped; run the same command again to resume" >&2
        exit 75
    fi
    exit "$1"
}

options=(--data "$data" --device "$device")
phase pretrain "$repro" pretrain --world lab "${options[@]}" || ended $?
options+=(--ledger "$ledger")
if [[ -n "${THREADS:-}" ]]; then
    options+=(--threads "$THREADS")
fi
# The verdicts are printed below, with the other evidence. Exit codes up to 3 are verdicts.
phase fine-tune "$repro" verify --evidence lab "${options[@]}" --brief >/dev/null || {
    status=$?
    ((status <= 3)) || ended $status
}
# Repeat one fine-tune. On a GPU bits differ between runs, and a rounding error grows until the end
# as much as another seed changes the result, so that accuracies may differ by about 2 points, as
# those of seeds do. A row of the table begins with the name of a record; a failed one has `failed`
# as its accuracy.
records=$("$repro" records --world lab --ledger "$ledger" | grep -v ' failed ' |
    grep -oEm 20 '^[0-9a-f]{16}') || true
status=64
for record in $records; do
    status=0
    phase rerun "$repro" rerun "$record" --tolerance "${TOLERANCE:-2}" "${options[@]}" >&2 ||
        status=$?
    case $status in
    0) ;;
    70) echo "lab: warning: $record differs or fails when repeated; the verdicts follow" >&2 ;;
    # Other source models, other images or another engine: the next record may fit.
    64) continue ;;
    130) ended 130 ;;
    *) echo "lab: warning: failed to repeat $record, exit $status; the verdicts follow" >&2 ;;
    esac
    break
done
((status != 64)) || echo "lab: note: no record of these source models and images to repeat" >&2
judge=("$repro" verify --evidence published --evidence smoke --evidence lab --no-run)
judge+=(--data "$data" --ledger "$ledger")
"${judge[@]}" --format json >"$report/verdicts.json" || true
exec "${judge[@]}" --report "$report"
