package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func TestTenantsOnce(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "access.json")
	text := `{"time":"2020-01-01T00:00:00Z","host":"acme.example.com","status":200,"request_time":0.2}
garbage
{"host":"other.org","status":"503"}
{"host":"acme.example.com","status":404,"request_time":"0.010 s"}`
	testkit.WriteFile(t, log, text)
	code, out, errs := call(t, "tenants", "--once", "--format=nginx-json", "--tenant-host={tenant}.example.com", log)
	if code != 0 || errs != "4 lines, 3 requests of 1 tenant, 1 of them of no tenant, 1 syntax, 1 unreadable duration "+
		"(syntax)\n"+log+":2: the first line that cannot be read as nginx-json (syntax at byte 1: expected {, "+
		"the beginning of a JSON object)\n" {
		t.Errorf("%d %q", code, errs)
	}
	for _, want := range []string{
		`tenant="acme",code_class="2xx"} 1`, `tenant="acme",code_class="4xx"} 1`, `tenant="_unknown",code_class="5xx"} 1`,
		`_duration_seconds_sum{app_service="thorbis-exporter",environment="production",tenant="acme"} 0.2`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	name := policytest.File(t, t.TempDir(), `version: 1
channels: {deadman: none}
services: [{name: shop, owner: sre}]
tenants:
  host: "{tenant}.example.com"
  sources: [{file: x, format: json, app_service: shop, fields: {host: h, status: s}}]
`)
	testkit.WriteFile(t, log, `{"h":"acme.example.com","s":200}`)
	if code, out, _ := call(t, "tenants", "--once", "--format=json", "--config.file="+name, log, log); code != 0 ||
		!strings.Contains(out, `app_service="shop",environment="production",tenant="acme",code_class="2xx"} 2`) {
		t.Errorf("by the policy: %d\n%s", code, out)
	}
	if code, out, errs := call(
		t, "tenants", "--once", "--format=json", "--config.file="+name, log, "/nonexistent",
	); code != 1 || !strings.Contains(errs, "/nonexistent") || !strings.Contains(out, `"acme",code_class="2xx"} 1`) {
		t.Errorf("missing file: %d %s\n%s", code, errs, out)
	}
	if code, _, errs := call(t, "tenants", "--once", "--format=caddy", log); code != 1 ||
		!strings.Contains(errs, "--tenant-host") {
		t.Errorf("no way to a tenant: %d %s", code, errs)
	}
}

// A first try prints what is wrong and where to look.
func TestTenantsOnceSaysWhy(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		name = filepath.Join(dir, name)
		testkit.WriteFile(t, name, text)
		return name
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"host":"acme.example.com","status":200}` + "\n"))
	_ = z.Close()
	good := put("good.json", `{"host":"acme.example.com","status":200}`+"\n")
	plain := put("plain.log", `192.0.2.7 - - [21/Sep/2026:12:00:00 +0200] "GET / HTTP/1.1" 200 512 "-" "curl"`+"\n")
	garbage := put("garbage", "\x00\xff\n\x01\n")
	put("tenants.yaml", "tenants: []")
	policy := put("thorbis.yaml", "version: 1\nchannels: {deadman: none}\nservices: [{name: web, owner: sre}]\ntenants:\n"+
		"  registry: {file: tenants.yaml}\n"+
		"  host: \"{tenant}.example.com\"\n  sources: [{file: x, format: nginx-json, app_service: web}]\n")
	const host = "--tenant-host={tenant}.example.com"
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no format":    {[]string{good}, 2, "required flag(s) '--format'"},
		"wrong format": {[]string{"--format=nginx", good}, 2, "nginx-json,nginx-main,combined,"},
		"no pattern": {
			[]string{"--format=combined", "--tenant-host=example.com", good}, 1, "write it like {tenant}.example.com",
		},
		"no way":      {[]string{"--format=combined", good}, 1, "--tenant-host"},
		"missing":     {[]string{"--format=nginx-json", host, "/nonexistent"}, 1, "open /nonexistent: no such file"},
		"directory":   {[]string{"--format=nginx-json", host, dir}, 1, dir + " is a directory; name the files in it"},
		"twice stdin": {[]string{"--format=nginx-json", host, "-", "-"}, 1, "write - once"},
		"garbage": {[]string{"--format=nginx-json", host, garbage}, 0, garbage + ":1: the first line that cannot be " +
			"read as nginx-json (syntax at byte 1: expected {, the beginning of a JSON object)\nno line is nginx-json"},
		"another format": {[]string{"--format=combined", host, good}, 0, "no line is combined: choose another --format"},
		"gzip": {
			[]string{"--format=nginx-json", host, put("good.gz", packed.String())}, 0, "1 line, 1 request of 1 tenant\n",
		},
		"half a gzip": {
			[]string{"--format=nginx-json", host, put("half.gz", packed.String()[:packed.Len()-9])},
			1, "half.gz ends in the middle of its compressed data",
		},
		"another host": {[]string{"--format=nginx-json", "--tenant-host={tenant}.example.org", good}, 0, good + ":1: " +
			"no tenant owns the host \"acme.example.com\"\nno request belongs to a known tenant; " +
			"hosts must match {tenant}.example.org\n"},
		"Docker's own": {
			[]string{"--format=nginx-json", host, put("docker", `{"log":"{\"host\":\"acme.example.com\",\"status\":200}\n",`+
				`"stream":"stdout","time":"2026-09-21T10:00:00Z"}`+"\nrubbish\n")},
			0,
			"docker:2: the first line that cannot be read",
		},
		"no host": {
			[]string{"--format=combined", host, plain}, 0, "warning: " + plain + ": none of the first 1 requests has a host",
		},
		"empty registry": {
			[]string{"--format=nginx-json", "--config.file=" + policy, good}, 0, "tenants in the registry: 0",
		},
		"nothing in it":   {[]string{"--format=nginx-json", host, put("empty", "")}, 0, "0 lines, 0 requests of 0 tenants\n"},
		"fields needed":   {[]string{"--format=json", "--config.file=" + policy, good}, 1, "a source that names them"},
		"policy not here": {[]string{"--format=json", "--config.file=/nonexistent", good}, 1, "the policy cannot be read"},
	} {
		code, _, errs := call(t, append([]string{"tenants", "--once"}, tc.args...)...)
		if code != tc.code || !strings.Contains(errs, tc.want) {
			t.Errorf("%s: exit code %d, want %d:\n%s\nwant %q", name, code, tc.code, errs, tc.want)
		}
	}
}

// - is standard input.
func TestTenantsOnceReadsStandardInput(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = old }()
	_, _ = out.WriteString(`{"host":"acme.example.com","status":200}`)
	out.Close()
	code, text, errs := call(t, "tenants", "--once", "--format=nginx-json", "--tenant-host={tenant}.example.com", "-")
	if code != 0 || errs != "1 line, 1 request of 1 tenant\n" ||
		!strings.Contains(text, `tenant="acme",code_class="2xx"} 1`) {
		t.Errorf("%d %s\n%s", code, errs, text)
	}
}

// The bar shows how much of the files has been read, at most ten times a second, and leaves a clean line behind.
func TestProgress(t *testing.T) {
	name := filepath.Join(t.TempDir(), "access.log")
	testkit.WriteFile(t, name, make([]byte, 1000))
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	b := newBar(terminal, []string{name})
	if b.out == nil || b.total != 1000 {
		t.Fatalf("%+v", b)
	}
	var shown bytes.Buffer
	b.out = &shown
	b.add(500)
	b.shown.Store(time.Now().Add(time.Minute).UnixMilli())
	b.add(100) // too soon to be shown
	b.end()
	b.end()
	if want := "\r[" + strings.Repeat("=", 20) + strings.Repeat(" ", 20) + "]  50 %\r\033[K"; shown.String() != want {
		t.Errorf("%q, want %q", shown.String(), want)
	}

	for what, files := range map[string][]string{"standard input": {stdin}, "a missing file": {name + ".gone"}} {
		if b := newBar(terminal, files); b.out != nil {
			t.Errorf("a bar for %s, whose size is not known", what)
		}
	}
	if b := newBar(&shown, []string{name}); b.out != nil {
		t.Error("a bar where there is no terminal")
	}
}

// A policy with several sources of a format is read by the one that is named; fields and unit can be tried without a
// policy.
func TestTenantsOnceChoosesItsSource(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log.json")
	testkit.WriteFile(t, log, `{"h":"acme.example.com","other":"big.example.com","s":200,"d":1500}`+"\n")
	policy := policytest.File(t, t.TempDir(), `version: 1
channels: {deadman: none}
services: [{name: shop, owner: sre}, {name: web, owner: sre}]
tenants:
  host: "{tenant}.example.com"
  sources:
    - {name: one, file: x, format: json, app_service: shop,
       fields: {host: h, status: s, duration: d}, duration_unit: ms}
    - {name: two, file: y, format: json, app_service: web, fields: {host: other, status: s}}
`)
	const host = "--tenant-host={tenant}.example.com"
	for name, tc := range map[string]struct {
		args      []string
		code      int
		out, errs string
	}{
		"ambiguous": {[]string{"--format=json", "--config.file=" + policy}, 1, "", "choose one with --source: one, two"},
		"first": {
			[]string{"--source=one", "--config.file=" + policy},
			0, `_duration_seconds_sum{app_service="shop",environment="production",tenant="acme"} 1.5`, "1 request of 1 tenant",
		},
		"second": {
			[]string{"--source=two", "--config.file=" + policy},
			0, `app_service="web",environment="production",tenant="big",code_class="2xx"} 1`, "1 request of 1 tenant",
		},
		"unknown": {
			[]string{"--source=three", "--config.file=" + policy}, 1, "", `unknown source "three": write one of one, two`,
		},
		"contradiction": {
			[]string{"--source=two", "--format=caddy", "--config.file=" + policy}, 1, "", "is json: leave out --format",
		},
		"changed": {
			[]string{"--source=one", "--field=host=other", "--duration-unit=us", "--config.file=" + policy},
			0, `tenant="big"} 0.0015`, "1 request of 1 tenant",
		},
		"no policy": {
			[]string{"--format=json", host, "--field=host=h", "--field=status=s", "--field=duration=d", "--duration-unit=ms"},
			0, `tenant="acme"} 1.5`, "1 request of 1 tenant",
		},
		"unknown field": {
			[]string{"--format=json", host, "--field=hots=h"}, 1, "", `unknown field "hots": write one of host, `,
		},
	} {
		code, out, errs := call(t, append(append([]string{"tenants", "--once"}, tc.args...), log)...)
		if code != tc.code || !strings.Contains(out, tc.out) || !strings.Contains(errs, tc.errs) {
			t.Errorf("%s: exit code %d, want %d; want %q and %q:\n%s\n%s", name, code, tc.code, tc.out, tc.errs, errs, out)
		}
	}
}

func TestSyntaxNamesThePlace(t *testing.T) {
	for line, want := range map[string]string{
		`{"status":009}`:              "at byte 12: invalid character '0' after object key:value pair",
		`{"status":200`:               "at byte 13: unexpected end of JSON input",
		`x`:                           "at byte 1: expected {, the beginning of a JSON object",
		`{"status":200}`:              "",
		"combined ::1 - - [x] GET":    "at byte 13: expected a request in double quotes",
		`combined ::1 - - [x] "G" ok`: "at byte 17: expected a status",
		"combined ":                   "at byte 1: expected a client's address",
		"haproxy x":                   "",
	} {
		format := "nginx-json"
		if rest, ok := strings.CutPrefix(line, "combined "); ok {
			format, line = "combined", rest
		} else if rest, ok := strings.CutPrefix(line, "haproxy "); ok {
			format, line = "haproxy", rest
		}
		if got := syntaxOf(format, []byte(line)); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
