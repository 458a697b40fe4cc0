package mixin

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
)

// TestEverythingMeasuredIsJudgedOrExcused: an alert rests on every metric, or metric/noalert.go says why none does.
func TestEverythingMeasuredIsJudgedOrExcused(t *testing.T) {
	p, err := config.Load(filepath.Join("..", "rules", "testdata", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := rules.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	read := readers(bundle)
	for _, m := range metric.All() {
		if alerted(read, m) && m.NoAlert() != "" {
			t.Errorf("%s: an alert reads it; take its reason away", m.Name)
		}
		if !alerted(read, m) && m.NoAlert() == "" {
			t.Errorf("no alert rests on %s; say why in metric/noalert.go", m.Name)
		}
	}
	got := strings.Join(read[metric.HealthCheckOutageDuration.Name], " ")
	if !strings.Contains(got, metric.CheckDownAlert.Name) {
		t.Errorf("alerts that rest on the length of outages: %s", got)
	}
	page := string(alertDocs(p, bundle))
	for _, want := range []string{
		"| [ThorbisExporterDown](runbooks/ThorbisExporterDown.md) | P3 | 4h\\* | ",
		"| [ThorbisSLOBurn](runbooks/ThorbisSLOBurn.md) | P1, P2, P3, P4 | 15m, 1h, 4h\\*, 1w | of the thing | ",
		"| `thorbis_tenant_response_bytes_total` | Volume",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
