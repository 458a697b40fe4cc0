package expose

import (
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Prometheus' own parsers read every format and find the same series in them, of more tenants than one message of
// protobuf holds.
func TestPrometheusReadsEveryFormat(t *testing.T) {
	const named = 3000
	b, _ := counted(t, named)
	o := Options{Native: true, Classic: true}
	for name, p := range map[string]textparse.Parser{
		"text":        textparse.NewPromParser(write(t, b, Text, o), labels.NewSymbolTable(), false),
		"openmetrics": textparse.NewOpenMetricsParser(write(t, b, OpenMetrics, o), labels.NewSymbolTable()),
		"protobuf": textparse.NewProtobufParser(
			write(t, b, Protobuf, o), false, true, false, false, labels.NewSymbolTable(),
		),
	} {
		t.Run(name, func(t *testing.T) {
			series, histograms := map[string]int{}, 0
			for {
				entry, err := p.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				var l labels.Labels
				switch entry {
				case textparse.EntrySeries:
					p.Labels(&l)
					series[l.Get(model.MetricNameLabel)]++
				case textparse.EntryHistogram:
					_, _, h, _ := p.Histogram()
					if err := h.Validate(); err != nil {
						t.Error(err)
					}
					histograms++
				}
			}
			const tenants, tiers = named + 2, 2 // two of either are ours
			for m, n := range map[string]int{
				metric.TenantRequests.Name: 5 * tenants, metric.TenantLateRequests.Name: 5 * tenants,
				metric.TenantSlowRequests.Name:  2 * tenants,
				metric.TenantResponseBytes.Name: tenants, metric.TenantRequestDuration.Name + "_bucket": 13 * tenants,
				metric.TenantRequestDuration.Name + "_count": tenants, metric.TenantInfo.Name: named,
				metric.ServiceRequests.Name: 5 * tiers, metric.ServiceLateRequests.Name: 5 * tiers,
				metric.ServiceSlowRequests.Name:                2 * tiers,
				metric.ServiceRequestDuration.Name + "_bucket": 13 * tiers,
			} {
				if series[m] != n {
					t.Errorf("%s: %d series, want %d", m, series[m], n)
				}
			}
			if want := map[string]int{"protobuf": tenants + tiers}[name]; histograms != want {
				t.Errorf("%d native histograms, want %d", histograms, want)
			}
		})
	}
}

// However many tenants there are, no message is so long that it would matter to keep one.
func TestMessagesAreBounded(t *testing.T) {
	b, _ := counted(t, 3000)
	text := write(t, b, Protobuf, Options{Native: true, Classic: true})
	messages := 0
	for ; len(text) > 0; messages++ {
		size, n := binary.Uvarint(text)
		if size > maxMessage+1<<19 {
			t.Errorf("a message of %d bytes", size)
		}
		text = text[n+int(size):]
	}
	if messages < 20 {
		t.Errorf("%d messages", messages)
	}
}
