package config

import (
	"path/filepath"
	"strings"
	"testing"
)

const withSource = `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2, peak_capacity: 2000}]
tenants:
  registry: {file: tenants.yaml}
  host: "{tenant}.thorbis.app"
  sources:
    - {file: access.json, format: nginx-json, app_service: web}
`

// withLatency begins a policy with a latency objective.
const withLatency = "version: 1\nobjectives: {latency: [{threshold: 300ms, ratio: 95%}]}\n"

func TestSourcesInheritTheirDefaults(t *testing.T) {
	const edge = "    - {receive: vercel, app_service: web, secret_file: key, name: edge}\n"
	dir := write(t, map[string]string{"p.yaml": withSource + edge})
	p, err := Load(filepath.Join(dir, "p.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file, vercel := p.Tenants.Sources[0], p.Tenants.Sources[1]
	if file.Name != "web-nginx-json" || file.File != filepath.Join(dir, "access.json") || file.Start != "beginning" ||
		file.TenantBy != "host" || !strings.HasPrefix(file.Rotated, "{file}") {
		t.Errorf("%+v", file)
	}
	if vercel.Format != "vercel" || vercel.SecretFile != filepath.Join(dir, "key") || vercel.HasDuration() {
		t.Errorf("%+v", vercel)
	}
	// One service, 100 tenants and two of ours, 12 series and a native histogram each.
	if got := Estimate(p, 100).TenantSeries; got != 102*13 {
		t.Errorf("%d series of tenants", got)
	}
	if p.Tenants.Limit != 20_000 || p.Tenants.LateAfter.String() != "10m" || p.Tenants.Histogram != "native" ||
		p.Services[0].PeakCapacity != 2000 {
		t.Errorf("%+v", p.Tenants)
	}
}

func TestMistakesInSourcesNameTheirCure(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"two kinds": {
			"file: access.json,",
			"file: access.json, stdin: true,",
			"p.yaml:8: tenants.sources[0]: must have exactly one of file, stdin, receive, kafka or nats",
		},
		"format": {
			"nginx-json",
			"nginx-jsn",
			`p.yaml:8: tenants.sources[0].format: unknown value "nginx-jsn": did you mean nginx-json?`,
		},
		"service": {
			"app_service: web",
			"app_service: wbe",
			`p.yaml:8: tenants.sources[0].app_service: unknown service "wbe": did you mean web?`,
		},
		"host": {"{tenant}.thorbis.app", "thorbis.app", `p.yaml:6: tenants.host: invalid pattern "thorbis.app"`},
		"no way": {
			`host: "{tenant}.thorbis.app"`,
			"limit: 5",
			"p.yaml:8: tenants.sources[0]: missing way from a request to its tenant",
		},
		"no secret": {
			"file: access.json, format: nginx-json",
			"receive: vercel",
			"p.yaml:8: tenants.sources[0]: missing secret_file",
		},
		"twice": {
			"    - {file",
			"    - {file: b, format: nginx-json, app_service: web}\n    - {file",
			`p.yaml:9: tenants.sources[1]: duplicate name "web-nginx-json"`,
		},
		"fields": {
			"nginx-json,",
			"caddy, fields: {host: x},",
			"p.yaml:8: tenants.sources[0].fields: the keys of caddy are fixed",
		},
		"json status":   {"nginx-json,", "json, fields: {host: x},", "p.yaml:8: tenants.sources[0].fields: missing status"},
		"unknown field": {"nginx-json,", "json, fields: {status: s, hots: x},", `unknown value "hots": did you mean host?`},
		"limit": {
			"  host:", "  limit: 0\n  host:", `p.yaml:6: tenants.limit: invalid number "0": write 1 to 1000000`,
		},
		"late": {
			"  host:", "  late_after: 1s\n  host:", `p.yaml:6: tenants.late_after: invalid duration "1s": write 1m or more`,
		},
		"histogram": {"  host:", "  histogram: natve\n  host:", "did you mean native?"},
		"custom domain": {
			"  host:", "  hosts: {\"Shop.acme.com:443\": acme}\n  host:", `invalid host "Shop.acme.com:443": write it alone`,
		},
		"reserved name": {"  host:", "  hosts: {\"shop.acme.com\": _other}\n  host:", `invalid name "_other"`},
		"two registries": {
			"{file: tenants.yaml}",
			"{file: tenants.yaml, postgres: {dsn_file: d, query: q}}",
			"must have either file or postgres",
		},
		"half postgres": {"{file: tenants.yaml}", "{postgres: {query: q}}", "missing dsn_file or query"},
		"peak":          {"peak_capacity: 2000", "peak_capacity: -1", "p.yaml:3: services[0].peak_capacity"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"p.yaml": strings.Replace(withSource, tc.old, tc.new, 1)})
			_, err := Load(filepath.Join(dir, "p.yaml"))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestWarnsOfWhatCannotBeMeasured(t *testing.T) {
	text := strings.Replace(withSource, "  registry: {file: tenants.yaml}\n", "", 1)
	text = strings.Replace(text, "file: access.json, format: nginx-json", "receive: vercel, secret_file: key", 1)
	text = strings.Replace(text, "version: 1\n", withLatency, 1)
	p, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": text}), "p.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, w := range p.Warnings() {
		all.WriteString(w.String() + "\n")
	}
	for _, want := range []string{
		"no registry: every name", "of service web logs request durations", "secret file cannot be read",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no warning %q in\n%s", want, all.String())
		}
	}
}

// One address serves one source of an exporter; exporters of other locations have addresses of their own.
func TestReceiversOfOtherLocations(t *testing.T) {
	receiver := func(name, locations string) string {
		return "    - {name: " + name + ", receive: vercel, app_service: web, secret_file: key, " +
			"locations: [" + locations + "]}\n"
	}
	for more, want := range map[string]string{
		receiver("a", "fra") + receiver("b", "nyc"):      "",
		receiver("a", "fra") + receiver("b", "nyc, fra"): "already receives vercel",
		receiver("a", "fra") + receiver("b", ""):         "already receives vercel",
		receiver("a", "two words"):                       "locations[0]",
	} {
		_, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": withSource + more, "key": "k"}), "p.yaml"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", more, err, want)
		}
	}
}

// Requests without durations among others make a slow service look faster than it is.
func TestWarnsOfMixedDurations(t *testing.T) {
	text := strings.Replace(withSource, "version: 1\n", withLatency, 1)
	for more, want := range map[string]bool{
		"    - {receive: vercel, app_service: web, secret_file: key}\n":                                          true,
		"    - {receive: json, app_service: web, secret_file: key, fields: {status: s, host: h}}\n":              true,
		"    - {receive: json, app_service: web, secret_file: key, fields: {status: s, host: h, duration: d}}\n": false,
		"    - {receive: cloudflare, app_service: web, secret_file: key}\n":                                      false,
	} {
		p, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": text + more}), "p.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		warned := false
		for _, w := range p.Warnings() {
			warned = warned || strings.Contains(w.String(), "its requests count as fast")
		}
		if warned != want {
			t.Errorf("%s: warned: %v", more, warned)
		}
	}
}
