# Prints of the output of go test, verbose or not, what belongs to tests that failed: their own lines, panics, data races, and builds.
/^ *=== / { test = $3; keep = 0; next }
/^(ok|\?|took) / || /^ *--- (PASS|SKIP)/ { keep = 0; next }
/^ *--- FAIL/ || /^(FAIL|panic:|fatal error:|WARNING: DATA RACE|# )/ { keep = 1 }
keep { print; next }
/_test\.go:[0-9]+: / { print (test ? test ":" : "") $0 }
