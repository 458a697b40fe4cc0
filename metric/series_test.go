package metric

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

// A series is exposed as client_golang would expose it.
func TestSeriesIsWhatConstMetricIs(t *testing.T) {
	created := time.Unix(1_700_000_000, 0)
	values := []string{"home", "web", "acme", "fra", "success"}
	gauge := append(values[:4:4], "up")
	for name, pair := range map[string][2]prometheus.Metric{
		"counter": {
			HealthCheckProbes.Constant(Sample{
				Labels: HealthCheckProbes.LabelPairs(nil, values[:4]...), More: NewPair(LabelResult, values[4]), Value: 3,
				Created: created,
			}),
			prometheus.MustNewConstMetricWithCreatedTimestamp(
				HealthCheckProbes.Desc(), prometheus.CounterValue, 3, created, values...,
			),
		},
		"gauge": {
			HealthCheckState.Constant(Sample{Labels: HealthCheckState.LabelPairs(nil, gauge...), Value: 1}),
			prometheus.MustNewConstMetric(HealthCheckState.Desc(), prometheus.GaugeValue, 1, gauge...),
		},
	} {
		var got, want dto.Metric
		if err := pair[0].Write(&got); err != nil {
			t.Fatal(err)
		}
		if err := pair[1].Write(&want); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(&got, &want) {
			t.Errorf("%s: %v, want %v", name, &got, &want)
		}
		if pair[0].Desc() != pair[1].Desc() {
			t.Errorf("%s: another descriptor", name)
		}
	}
}

func TestSeriesWantsEveryLabel(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a missing label is not reported")
		}
	}()
	HealthCheckState.LabelPairs(nil, "home")
}
