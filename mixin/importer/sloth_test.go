package importer

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// slothExample has the shape of the examples in sloth's documentation.
const slothExample = `version: "prometheus/v1"
service: "myservice"
labels:
  owner: "myteam"
slos:
  - name: "requests-availability"
    objective: 99.9
    description: "Common SLO based on availability
      for HTTP request responses."
    sli:
      events:
        error_query: sum(rate(http_request_duration_seconds_count{job="myservice",code=~"(5..|429)"}[{{.window}}]))
        total_query: sum(rate(http_request_duration_seconds_count{job="myservice"}[{{ .window }}]))
    alerting:
      name: MyServiceHighErrorRate
      page_alert:
        labels: {severity: pageteam}
`

func TestImportSloth(t *testing.T) {
	out, err := convertSloth([]byte(slothExample))
	if err != nil {
		t.Fatal(err)
	}
	// What was imported is a part of a policy, as it is.
	file := filepath.Join(t.TempDir(), "policy.yaml")
	text := "version: 1\nchannels: {deadman: none}\nservices: [{name: myservice, owner: myteam}]\n" + string(out)
	testkit.WriteFile(t, file, text)
	p, err := config.Load(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	s := p.SLOs[0]
	if s.Name != "myservice-requests-availability" || s.Objective.Percent() != "99.9%" || s.Owner != "myteam" ||
		s.Bad != `sum(rate(http_request_duration_seconds_count{job="myservice",code=~"(5..|429)"}[$window]))` ||
		s.Description != "Common SLO based on availability for HTTP request responses." {
		t.Errorf("%+v", s)
	}
}

func TestImportSlothRefused(t *testing.T) {
	for name, c := range map[string]struct{ old, replacement, want string }{
		"version":      {"prometheus/v1", "prometheus/v2", "only prometheus/v1 is read"},
		"raw":          {"events:", "raw:", "write bad and total by hand"},
		"no objective": {"objective: 99.9", "objective: ", "has no objective"},
		"a ratio": {
			`sum(rate(http_request_duration_seconds_count{job="myservice"}[{{ .window }}]))`, `max(rate(x[{{.window}}]))`,
			"does not add up",
		},
		"no YAML": {"version:", "\t:", "invalid specification of sloth"},
	} {
		text := strings.Replace(slothExample, c.old, c.replacement, 1)
		if text == slothExample {
			t.Fatalf("%s: nothing changed", name)
		}
		if out, err := convertSloth([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q\n%s", name, err, c.want, out)
		}
	}
}

func FuzzImportSloth(f *testing.F) {
	f.Add(slothExample)
	f.Add("version: prometheus/v1\nslos: [{name: a}]")
	f.Add("slos: {a: b}")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = convertSloth([]byte(text)) })
}
