package collectors

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/metric"
)

type snapshotCollector struct{ *Snapshot }

func (snapshotCollector) Describe(chan<- *prometheus.Desc) {}

// Through a registry that adds a label, as the exporter's does, twice: sharing changes nothing.
func TestSnapshot(t *testing.T) {
	s := NewSnapshot(2, time.Unix(1000, 0))
	labels := NewLabels(metric.StorageInFlight.Labels, "db1", "sda")
	s.Add(metric.StorageInFlight, 3, labels)
	s.Add(metric.StorageBusySeconds, 4.5, labels)
	registry := prometheus.NewPedanticRegistry()
	prometheus.WrapRegistererWith(prometheus.Labels{metric.LabelEnvironment: "test"}, registry).MustRegister(
		snapshotCollector{s})
	want := `
# HELP thorbis_storage_io_busy_seconds_total ` + metric.StorageBusySeconds.Help + `
# TYPE thorbis_storage_io_busy_seconds_total counter
thorbis_storage_io_busy_seconds_total{device="sda",environment="test",host="db1"} 4.5
# HELP thorbis_storage_io_in_flight ` + metric.StorageInFlight.Help + `
# TYPE thorbis_storage_io_in_flight gauge
thorbis_storage_io_in_flight{device="sda",environment="test",host="db1"} 3
`
	for range 2 {
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
			t.Error(err)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if got := families[0].GetMetric()[0].GetCounter().GetCreatedTimestamp().AsTime(); !got.Equal(time.Unix(1000, 0)) {
		t.Errorf("created %s", got)
	}
	var none *Snapshot
	none.Collect(nil)
}
