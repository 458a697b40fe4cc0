package procedure

import (
	"bytes"
	"strings"
	"testing"
)

// A key may be anything, such as base64: runner.Client escapes it.
func TestTargetEscaped(t *testing.T) {
	for path, want := range map[string]target{
		"a%2Fb+c%3D/nightly":      {key: "a/b+c=", name: "nightly", kind: succeeded, status: -1},
		"a%2Fb+c%3D/nightly/fail": {key: "a/b+c=", name: "nightly", kind: failed, status: -1},
		"a%zz/nightly":            {},
	} {
		if got, _, ok := parseTarget(path); got != want || ok != (want != target0) {
			t.Errorf("%s: %+v, %v, want %+v", path, got, ok, want)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, path := range []string{
		testKey + "/nightly", uuid, uuid + "/start", testKey + "/a/255", uuid + "/256", uuid + "/start/1", "//", "a/b/c/d",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		target, invalid, ok := parseTarget(path)
		if !ok && (target != target0 || invalid) {
			t.Errorf("%+v of no target", target)
		}
		if ok && (target.key == "" || target.status > 255 || target.name != "" && !slugRE.MatchString(target.name) ||
			target.status > 0 && target.kind != failed) {
			t.Errorf("%+v", target)
		}
	})
}

var target0 target

func FuzzClean(f *testing.F) {
	f.Add([]byte("one\ntwo\x1b[31m\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		line := lastLine(clean(string(text)))
		if len(line) > maxLine+3 || strings.ContainsAny(line, "\n\x1b\x00\u2028") || !bytes.Equal([]byte(line),
			bytes.ToValidUTF8([]byte(line), nil)) {
			t.Errorf("%q", line)
		}
	})
}
