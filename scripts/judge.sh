#!/usr/bin/env bash
# What a workflow runs to judge claims: annotations on standard output; the report, verdicts to cite, JUnit,
# CSV and the comparison with the published numbers in a folder. Exits as `repro verify` does.
#
#   REPRO      the program                                      (default: repro)
#   CLAIMS     a folder of claims; the project's own where empty
#   EVIDENCE   kinds of evidence, with spaces between            (default: published)
#   LOG        a log, judged in place of evidence
#   EXPECTED   true: compare with the verdicts that specs expect
#   REPORT     where files go                                    (default: report)
set -euo pipefail

repro=${REPRO:-repro}
report=${REPORT:-report}
claims=()
of=()
expected=()
if [[ -n "${CLAIMS:-}" ]]; then
    claims+=(--claims "$CLAIMS")
fi
if [[ -n "${LOG:-}" ]]; then
    of+=(--log "$LOG")
else
    for kind in ${EVIDENCE:-published}; do
        of+=(--evidence "$kind")
    done
fi
if [[ "${EXPECTED:-false}" == true ]]; then
    expected+=(--expected)
fi

# The first run makes what the ledger lacks; those after it judge the same records.
status=0
"$repro" verify "${claims[@]}" "${of[@]}" "${expected[@]}" --format github --report "$report" || status=$?
# Verdicts alone may fail the job; where there are none, there is nothing more to write.
if ((status > 4)); then
    exit "$status"
fi
"$repro" verify "${claims[@]}" "${of[@]}" "${expected[@]}" --no-run --format junit >"$report/verdicts.xml" || true
"$repro" verify "${claims[@]}" "${of[@]}" --no-run --format csv >"$report/cells.csv" || true
# One comparison an evidence: the log's, or each kind's.
for ((at = 0; at < ${#of[@]}; at += 2)); do
    name=comparison
    if [[ "${of[at]}" == --evidence ]]; then
        name=comparison-${of[at + 1]}
    fi
    "$repro" compare "${claims[@]}" "${of[at]}" "${of[at + 1]}" --format csv >"$report/$name.csv" || true
done
exit "$status"
