package metric

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
)

// A reserved label on a metric would be renamed to exported_<label> when it is scraped.
func TestNoReservedLabelIsUsed(t *testing.T) {
	for _, m := range All() {
		for _, label := range m.Labels {
			if slices.Contains(Reserved, label) || label == LabelEnvironment {
				t.Errorf("%s: label %s is reserved", m.Name, label)
			}
		}
	}
}

// Names follow https://prometheus.io/docs/practices/naming/.
func TestNamesFollowTheField(t *testing.T) {
	name := regexp.MustCompile(`^thorbis_[a-z0-9_]+$`)
	seen := map[string]bool{}
	for _, m := range All() {
		switch {
		case !name.MatchString(m.Name):
			t.Errorf("%s: not a name of this exporter", m.Name)
		case seen[m.Name]:
			t.Errorf("%s: declared twice", m.Name)
		case strings.HasSuffix(m.Name, "_total") != (m.Type == Counter):
			t.Errorf("%s: _total is for counters, all of them and only them", m.Name)
		case m.Type == Info && !strings.HasSuffix(m.Name, "_info"):
			t.Errorf("%s: an info series ends in _info", m.Name)
		case m.Unit != "" && !strings.HasSuffix(strings.TrimSuffix(m.Name, "_total"), "_"+m.Unit):
			t.Errorf("%s: does not end in its unit %s", m.Name, m.Unit)
		case !strings.HasSuffix(m.Help, "."):
			t.Errorf("%s: the help is not a sentence", m.Name)
		case m.Across == "":
			t.Errorf("%s: does not say how several exporters add up", m.Name)
		}
		seen[m.Name] = true
	}
}

// What promtool check metrics finds on a page, which shows only what has happened, is found here for the catalogue.
func TestNamesPassTheLinterOfPromtool(t *testing.T) {
	types := map[Type]dto.MetricType{
		Counter: dto.MetricType_COUNTER, Gauge: dto.MetricType_GAUGE, StateSet: dto.MetricType_GAUGE,
		Info: dto.MetricType_GAUGE, Histogram: dto.MetricType_HISTOGRAM,
	}
	var families []*dto.MetricFamily
	for _, m := range All() {
		kind, ok := types[m.Type]
		if !ok {
			t.Fatalf("%s: type %s", m.Name, m.Type)
		}
		one := &dto.Metric{}
		for _, label := range m.Labels {
			one.Label = append(one.Label, &dto.LabelPair{Name: &label, Value: &label})
		}
		families = append(families, &dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: &kind, Metric: []*dto.Metric{one}})
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestSelect(t *testing.T) {
	if got := HealthCheckState.Select(`state="down"`); got != `thorbis_health_check_state{state="down"}` {
		t.Error(got)
	}
	if got := HealthCheckState.Select(); got != "thorbis_health_check_state" {
		t.Error(got)
	}
}
