#!/usr/bin/env bash
# Judges claims in a CI workflow: prints annotations on standard output, and writes the report,
# verdicts to cite, JUnit, CSV and the comparison with the published numbers to a folder. Exits with
# the exit code of `repro verify`.
#
#   REPRO      the program                                          (default: repro)
#   CLAIMS     a folder of claims                                   (default: those of the project)
#   EVIDENCE   kinds of evidence, separated by spaces               (default: published)
#   LOG        a log to judge instead of EVIDENCE
#   EXPECTED   true: compare with the verdicts that the specs expect
#   REPORT     the output folder                                    (default: report)
set -euo pipefail

repro=${REPRO:-repro}
report=${REPORT:-report}
claims=()
evidence=()
expected=()
if [[ -n "${CLAIMS:-}" ]]; then
    claims+=(--claims "$CLAIMS")
fi
if [[ -n "${LOG:-}" ]]; then
    evidence+=(--log "$LOG")
else
    for kind in ${EVIDENCE:-published}; do
        evidence+=(--evidence "$kind")
    done
fi
if [[ "${EXPECTED:-false}" == true ]]; then
    expected+=(--expected)
fi

judged=("${claims[@]}" "${evidence[@]}")
checked=("${judged[@]}" "${expected[@]}")

# The first run computes missing records; the later ones judge the same records.
status=0
"$repro" verify "${checked[@]}" --format github --report "$report" || status=$?
# Exit codes up to 4 are verdicts. After an error there are none to write.
if ((status > 4)); then
    exit "$status"
fi
"$repro" verify "${checked[@]}" --no-run --format junit >"$report/verdicts.xml" || true
"$repro" verify "${judged[@]}" --no-run --format csv >"$report/cells.csv" || true
# One comparison for the log, or for each kind of evidence.
for ((at = 0; at < ${#evidence[@]}; at += 2)); do
    name=comparison
    if [[ "${evidence[at]}" == --evidence ]]; then
        name=comparison-${evidence[at + 1]}
    fi
    "$repro" compare "${claims[@]}" "${evidence[@]:at:2}" --format csv >"$report/$name.csv" || true
done
exit "$status"
