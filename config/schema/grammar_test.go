package schema

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseGrammar(t *testing.T) {
	v, err := parseGrammar(`top: <name>                                       # a comment
                                                    # of two lines
[ maybe: a | b | default = a ] [ other: <int> ]
things:
  # before it
  - name: <name>
    file: <file>                                    # read; or
    query: <SQL>
    [ pattern: <glob> | default = {file}[.\-]* ]
    dsn_file: <file>                                # or dsn_env: <variable>
  - {name: "<a, b>", size: <int>, [ words: [ <word>, ... ] ], to: <x> | for: <y>}
`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var walk func(v *value, path string)
	walk = func(v *value, path string) {
		for _, k := range v.keys {
			line := path + k.name + " = " + strings.Join(k.value.notations, ",")
			if k.required {
				line += " required"
			}
			if k.fallback != "" {
				line += " default " + k.fallback
			}
			if k.comment != "" {
				line += " # " + k.comment
			}
			got = append(got, line)
			walk(&k.value, path+k.name+".")
		}
	}
	walk(v, "")
	want := []string{
		"top = <name> required # a comment of two lines",
		"maybe = a,b default a",
		"other = <int>",
		"things =  required",
		"things.name = <name> required # before it",
		"things.file = <file> # read; or",
		"things.query = <SQL>",
		`things.pattern = <glob> default {file}[.\-]*`,
		"things.dsn_file = <file> # or dsn_env: <variable>",
		"things.dsn_env = <variable> # in place of dsn_file",
		"things.size = <int>",
		"things.words = <word>",
		"things.to = <x>",
		"things.for = <y>",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A key that only one side has is an error, and so is a word without a meaning.
func TestBuildReportsDifferences(t *testing.T) {
	for _, tc := range []struct{ old, new, want string }{
		{"[ refresh: ", "[ refrsh: ", "does not have the key tenants.registry.refresh"},
		{"  [ host: <pattern> ]", "  [ host: <patern> ]", "the notation <patern> of tenants.host has no meaning"},
		{"links:", "links:\n  [ more: <URL> ]", "has the key links.more, which the policy does not have"},
	} {
		text := strings.Replace(grammarText, tc.old, tc.new, 1)
		v, err := parseGrammar(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := build(v); text == grammarText || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, want %s", err, tc.want)
		}
	}
	if _, err := parseGrammar("a b c"); err == nil {
		t.Error("a line without a key is no error")
	}
}
