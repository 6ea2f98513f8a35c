#!/bin/sh
# What `make demo` plays: a whole round against the four simulated vendors, then a small change.
set -eu
cd "$(dirname "$0")/.."
demo=$PWD/.demo
rm -rf "$demo"
mkdir -p "$demo"
cp -r examples/campaigns "$demo/campaigns"
cp -r examples/people "$demo/people"

say() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say "The four vendors, simulated on a local port (nobody is called)"
reconciler simulator --port 0 >"$demo/simulator.env" &
simulator=$!
trap 'kill $simulator 2>/dev/null; wait $simulator 2>/dev/null || true' EXIT INT TERM
tries=0
until grep -q INTERSVYAZ_PASSWORD "$demo/simulator.env" 2>/dev/null; do
  tries=$((tries + 1)); [ $tries -lt 100 ] || { echo "the simulator did not start"; exit 1; }
  sleep 0.1
done
cat "$demo/simulator.env"
. "$demo/simulator.env"

# Where the people are, and the key of their fingerprints: set by the job, never in Git.
RENEWALS_CSV=$demo/people/renewals.csv UMOWY_CSV=$demo/people/umowy.csv WIZYTY_CSV=$demo/people/wizyty.csv
OPROS_JSONL=$demo/people/opros.jsonl REFUSALS_CSV=$demo/people/refusals.csv
RECONCILER_CONTACT_KEY=a-key-for-the-demo-alone-with-more-than-32-bytes
export RENEWALS_CSV UMOWY_CSV WIZYTY_CSV OPROS_JSONL REFUSALS_CSV RECONCILER_CONTACT_KEY
cd "$demo/campaigns"

say "1. Is what stands in Git valid? (no network, no secrets)"
run reconciler validate
say "2. What would change? This is what a reviewer reads"
run reconciler plan --out "$demo/plan.json"
say "3. Apply exactly that plan"
run reconciler apply "$demo/plan.json"
say "4. Plan again: nothing is left to do"
run reconciler plan
say "5. Somebody edits one schedule in Git; two people join the source and one leaves"
sed -i.bak 's/from: "09:00"/from: "08:30"/' shared/schedules.yaml && rm shared/schedules.yaml.bak
sed -i.bak '/^C012,/d' "$RENEWALS_CSV" && rm "$RENEWALS_CSV.bak"
printf 'C016,0900000016,Son,HD-016\nC017,0900000017,Thu,HD-017\n' >>"$RENEWALS_CSV"
run reconciler plan
say "That is the whole tool: edit, plan, review, apply. Nobody was called twice."
