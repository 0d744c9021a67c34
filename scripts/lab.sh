#!/usr/bin/env bash
# The lab world's experiment from packed images to verdicts: source models, fine-tunes, report. It may be stopped
# at any moment, by Ctrl-C or by its own limit; the same command goes on where it was.
#
#   REPRO     the program, built with --features gpu   (default: target/release/repro)
#   DATA      the data folder, with packed images       (default: .data)
#   LEDGER    where records go                          (default: .ledger)
#   REPORT    where the report and its notes go         (default: report)
#   DEVICE    cuda, or cpu to make the source models alone: fine-tunes are in tf32   (default: cuda)
#   THREADS   fine-tunes at once                        (default: the program's own)
#   LIMIT     seconds for this piece                    (default: 480)
#   WITHIN    points that a fine-tune that is run again may differ by   (default: 2)
#
# Exits as `repro verify` does, or with 75 where it was stopped: run it again.
set -euo pipefail

repro=${REPRO:-target/release/repro}
data=${DATA:-.data}
ledger=${LEDGER:-.ledger}
report=${REPORT:-report}
device=${DEVICE:-cuda}
limit=${LIMIT:-480}
began=$SECONDS
child=
stopped="the limit of $limit s came first"
# `timeout` has a process group of its own, which Ctrl-C does not reach.
trap 'stopped=stopped; [[ -z $child ]] || kill -INT "$child" 2>/dev/null || true' INT
mkdir -p "$report"

# Runs a phase with what is left of the limit; says how long it took and how busy the GPU was.
phase() {
    local name=$1 start=$SECONDS status=0 sampler=
    shift
    local left=$((limit - (SECONDS - began)))
    if ((left <= 0)) || [[ $stopped == stopped ]]; then
        return 130
    fi
    local busy="$report/gpu-$name.csv"
    if command -v nvidia-smi >/dev/null; then
        nvidia-smi --query-gpu=utilization.gpu,memory.used,power.draw --format=csv,noheader,nounits --loop=1 \
            >>"$busy" 2>/dev/null &
        sampler=$!
    fi
    timeout --preserve-status --kill-after=20 --signal=INT "$left" "$@" &
    child=$!
    # A signal ends the wait, and not the phase.
    while status=0; wait "$child" || status=$?; kill -0 "$child" 2>/dev/null; do :; done
    child=
    if [[ -n $sampler ]]; then
        kill "$sampler" 2>/dev/null || true
        wait "$sampler" 2>/dev/null || true
    fi
    echo "lab: $name: $((SECONDS - start)) s, exit $status" >&2
    if [[ -s $busy ]]; then
        # What a driver does not tell is [N/A], or not a number either way.
        awk -F', *' -v name="$name" '
            function known(field) { return field ~ /^[0-9.]+$/ }
            known($1) { busy += $1; busies++ }
            known($2) && $2 + 0 > most { most = $2 + 0 }
            known($3) { power += $3; powers++ }
            END {
                printf "lab: %s: GPU busy ", name
                if (busies) printf "%.0f %% of the time", busy / busies; else printf "not told"
                if (most) printf ", %d MiB at most", most; else printf ", memory not told"
                if (powers) printf ", %.0f W", power / powers; else printf ", power not told"
                printf ", %d samples\n", NR
            }' "$busy" >&2
    fi
    return "$status"
}

# What a phase's end means for the whole: a limit that came first is no fault.
ended() {
    if (($1 == 130)); then
        echo "lab: $stopped; the same command goes on from here" >&2
        exit 75
    fi
    exit "$1"
}

of=(--data "$data" --device "$device")
phase pretrain "$repro" pretrain --world lab "${of[@]}" || ended $?
of+=(--ledger "$ledger")
if [[ -n "${THREADS:-}" ]]; then
    of+=(--threads "$THREADS")
fi
# What verdicts come to is told below, beside the other evidence.
phase fine-tune "$repro" verify --evidence lab "${of[@]}" --brief >/dev/null || { status=$?; ((status <= 3)) || ended $status; }
# One of them again: on a GPU bits differ from run to run, and by the end a rounding has become what another seed
# is, so that accuracies may differ by about what those of seeds do, 2 points. A record's row begins with its
# name, and says `failed` where others have their accuracy.
records=$("$repro" runs --world lab --ledger "$ledger" | grep -v ' failed ' | grep -oEm 20 '^[0-9a-f]{16}') || true
status=64
for record in $records; do
    status=0
    phase rerun "$repro" rerun "$record" --within "${WITHIN:-2}" "${of[@]}" >&2 || status=$?
    case $status in
    0) ;;
    1) echo "lab: $record does not agree when it is run again; verdicts follow all the same" >&2 ;;
    # Of other source models, images or another engine: the next may be of these.
    64) continue ;;
    130) ended 130 ;;
    *) echo "lab: $record could not be run again, exit $status; verdicts follow all the same" >&2 ;;
    esac
    break
done
((status != 64)) || echo "lab: there is no record to run again, of these source models and images" >&2
judge=("$repro" verify --evidence published --evidence smoke --evidence lab --no-run --data "$data" --ledger "$ledger")
"${judge[@]}" --format json >"$report/verdicts.json" || true
exec "${judge[@]}" --report "$report"
