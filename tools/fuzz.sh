#!/bin/sh
# Fuzzes every target of one package for a while: tools/fuzz.sh TIME PACKAGE. The test is built once for all of them; go test
# would link it for each, which takes longer than the fuzzing. A crasher is left in testdata/fuzz of the package, as go test does.
set -eu
time=$1 package=$2
go=${GO:-go}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$go" test -c -fuzz . -o "$work/test" "$package"
cache=$("$go" env GOCACHE)/fuzz/$("$go" list "$package")
mkdir -p "$cache"
cd "$package"
for name in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' ./*_test.go | cut -c6-); do
	echo "fuzz   $package $name"
	"$work/test" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$time" -test.parallel 1 -test.fuzzcachedir "$cache" \
		</dev/null >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 255; }
done
