package exporter

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Many series bypass the registry; a scrape returns the same either way.
func TestSamplersAreServedAsByTheRegistry(t *testing.T) {
	e := newExporter(Options{Logger: quiet(), Load: newPolicyFile(t,
		"http://127.0.0.1:1").load, Collectors: map[string]bool{health.Definition.Name: true}}, nil)
	if err := e.policy.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A series of the registry in a family that the health collector has too.
	g := &gatherer{Registry: prometheus.NewRegistry()}
	g.setEnvironment("test")
	other := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: metric.StateUnsaved.Name, Help: metric.StateUnsaved.Help,
		ConstLabels: prometheus.Labels{metric.LabelCollector: "other"},
	})
	g.add(other)
	health := e.collectors[0].Collector
	g.add(health)
	got, err := gathered(g)
	if err != nil || len(g.samplers) != 1 {
		t.Fatalf("%d samplers, %v", len(g.samplers), err)
	}
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(other, health)
	want, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d families, the registry has %d", len(got), len(want))
	}
	environment := g.environment.Load()
	order := func(a, b *dto.Metric) int { return strings.Compare(labelValues(a), labelValues(b)) }
	for i, f := range want {
		for _, m := range f.GetMetric() {
			m.Label = metric.WithLabel(m.GetLabel(), environment)
		}
		slices.SortFunc(f.Metric, order)
		slices.SortFunc(got[i].Metric, order)
		if !proto.Equal(got[i], f) {
			t.Errorf("got\n%v\nwant\n%v", got[i], f)
		}
	}
	if again, _ := gathered(g); len(again) != len(want) {
		t.Error("the second scrape is another")
	}
	g.setEnvironment("other")
	again, _ := gathered(g)
	for _, f := range again {
		for _, m := range f.GetMetric() {
			if !strings.Contains(labelValues(m), "environment=other") {
				t.Fatalf("the old environment is on %s %v", f.GetName(), m)
			}
		}
	}
}

// gathered puts the pieces of families together, in memory of their own.
func gathered(g *gatherer) ([]*dto.MetricFamily, error) {
	families, err := g.families()
	var all []*dto.MetricFamily
	for _, f := range families {
		var whole *dto.MetricFamily
		for piece := range f.pieces {
			piece = proto.Clone(piece).(*dto.MetricFamily)
			if whole == nil {
				whole = piece
				continue
			}
			whole.Metric = append(whole.Metric, piece.Metric...)
		}
		if whole != nil {
			all = append(all, whole)
		}
	}
	return all, err
}

func labelValues(m *dto.Metric) string {
	var b strings.Builder
	for _, l := range m.GetLabel() {
		b.WriteString(l.GetName() + "=" + l.GetValue() + ",")
	}
	return b.String()
}
