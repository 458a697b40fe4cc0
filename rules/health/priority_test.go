package health_test

import (
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestEffectivePriority checks that an alert has the less urgent of its own priority and that of the thing concerned.
func TestEffectivePriority(t *testing.T) {
	ruletest.Simulates(t)
	certificate := func(page string, left int) []*simExporter {
		return ruletest.Layouts[ruletest.TwoLocations].Place(1, func(_ int, e *simExporter) {
			e.Page, e.Certificate = page, float64(ruletest.At(begin+left).Unix())
		})
	}
	sixDays := func(page string, left int) []*simExporter {
		return ruletest.Layouts[ruletest.TwoLocations].Place(1, func(_ int, e *simExporter) {
			e.Page, e.Certificate, e.Warning, e.Urgent = page, float64(ruletest.At(begin+left).Unix()), day, day/2
		})
	}
	flapping := func(page string) []*simExporter {
		return ruletest.Layouts[ruletest.One].Place(1,
			func(_ int, e *simExporter) { e.Page, e.Interval, e.Broken = page, 10, flaps(8) })
	}
	cases := []struct {
		name      string
		exporters []*simExporter
		want      []string
	}{
		{
			"certificate of a P1, days left", certificate("P1", 3*day),
			[]string{"ThorbisCertificateExpiring/P3", "ThorbisCertificateExpiring/P2"},
		},
		{"certificate of a P3, days left", certificate("P3", 3*day), []string{"ThorbisCertificateExpiring/P3"}},
		{"certificate of a P4, weeks left", certificate("P4", 14*day), []string{"ThorbisCertificateExpiring/P4"}},
		{"certificate of an unknown priority", certificate("soon", 2*day), []string{"ThorbisCertificateExpiring/P2"}},
		{"six-day certificate, days left", sixDays("P1", 2*day), nil},
		{"six-day certificate, to be renewed", sixDays("P1", day), []string{"ThorbisCertificateExpiring/P3"}},
		{
			"six-day certificate, urgent", sixDays("P1", day/2),
			[]string{"ThorbisCertificateExpiring/P3", "ThorbisCertificateExpiring/P2"},
		},
		{"six-day certificate of a P4", sixDays("P4", day/4), []string{"ThorbisCertificateExpiring/P4"}},
		{"flapping P1", flapping("P1"), []string{"ThorbisUptimeBurn/P2medium"}},
		{"flapping P3", flapping("P3"), []string{"ThorbisUptimeBurn/P3medium"}},
		{"flapping P4", flapping("P4"), []string{"ThorbisUptimeBurn/P4medium"}},
		{"flapping of an unknown priority", flapping("?"), []string{"ThorbisUptimeBurn/P2medium"}},
	}
	var scenarios []scenario
	for _, c := range cases {
		scenarios = append(scenarios, scenario{Name: c.name, Exporters: c.exporters})
	}
	w := ruletest.NewWorld(t, scenarios...)
	w.Run(begin + 30*minute)
	for _, c := range cases {
		var got []string
		for _, f := range w.Fired(c.name) {
			got = append(got, f.Alert+"/"+f.Priority+f.Tier)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
