package expose

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// windowed is a store that was started anew after it counted. Of each tenant there are all requests, failed ones and
// slow ones.
func windowed(t *testing.T, limit int, all map[string][3]uint32) *store.Store {
	t.Helper()
	registry := map[string]string{}
	for name := range all {
		registry[name] = ""
	}
	dir, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	open := func() *store.Store {
		b, err := store.Open(store.Options{Logger: slog.New(slog.DiscardHandler), State: dir})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b, thresholds := open(), []uint64{300e6, 1e9}
	service := b.Configure(store.Config{
		Limit: limit, Registered: registry, Thresholds: thresholds,
		Sources: []store.SourceConfig{{Name: "log", Service: "web"}},
	})["log"].Service
	batch := &store.Batch{Thresholds: thresholds}
	for name, n := range all {
		slot, _ := b.Admit(service, name)
		c := &store.Accumulator{Slot: slot, Requests: [5]uint32{1: n[0] - n[1], 4: n[1]}}
		c.Slow[1] = n[2]
		c.Observe(5e6, n[0], &store.Histograms{})
		batch.Accumulators = append(batch.Accumulators, c)
	}
	batch.Epoch = b.Epoch()
	ctx, stop := context.WithCancel(t.Context())
	b.Begin()
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	if err := b.Commit(ctx, store.Encode(batch)); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open()
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// windowSeries are the series of a family, in text.
func windowSeries(text []byte, m *metric.Metric) (all []string) {
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, m.Name+"{") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	slices.Sort(all)
	return all
}

// Every listed tenant has all windows of its requests, and those of bad ones for each objective that had any.
func TestWindowsAreExposed(t *testing.T) {
	b := windowed(t, 10, map[string][3]uint32{"acme": {10, 2, 0}, "beta": {9, 0, 5}, "quiet": {3, 0, 0}, "none": {}})
	identity := b.View().Store
	var requests, bad []string
	for _, window := range append(metric.BurnWindows(), metric.WindowPeriod) {
		series := func(m *metric.Metric, tenant, slo string, n int) string {
			return fmt.Sprintf(`%s{app_service="web",environment="test",store=%q,tenant=%q,%swindow=%q} %d`, m.Name, identity,
				tenant, slo, window, n)
		}
		requests = append(requests, series(metric.TenantWindowRequests, "acme", "", 10),
			series(metric.TenantWindowRequests, "beta", "", 9), series(metric.TenantWindowRequests, "quiet", "", 3))
		bad = append(bad, series(metric.TenantWindowBadRequests, "acme", `slo="availability",`, 2),
			series(metric.TenantWindowBadRequests, "beta", `slo="latency-1s",`, 5))
	}
	slices.Sort(requests)
	slices.Sort(bad)
	for _, format := range []Format{Text, OpenMetrics} {
		text := write(t, b, format, Options{})
		if got := windowSeries(text, metric.TenantWindowRequests); !slices.Equal(got, requests) {
			t.Errorf("format %d:\n%s\nwant\n%s", format, strings.Join(got, "\n"), strings.Join(requests, "\n"))
		}
		if got := windowSeries(text, metric.TenantWindowBadRequests); !slices.Equal(got, bad) {
			t.Errorf("format %d:\n%s\nwant\n%s", format, strings.Join(got, "\n"), strings.Join(bad, "\n"))
		}
		if !strings.Contains(string(text), "# TYPE thorbis_tenant_window_requests gauge\n") {
			t.Errorf("format %d: no type", format)
		}
	}
	texts := parse(t, write(t, b, Text, Options{}), expfmt.NewFormat(expfmt.TypeTextPlain))
	protos := parse(t, write(t, b, Protobuf, Options{}), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for _, m := range []*metric.Metric{metric.TenantWindowRequests, metric.TenantWindowBadRequests} {
		got, want := protos[m.Name].GetMetric(), texts[m.Name].GetMetric()
		if len(got) != len(want) || protos[m.Name].GetType() != texts[m.Name].GetType() {
			t.Fatalf("%s: %d series in protobuf, %d in text", m.Name, len(got), len(want))
		}
		for i := range got {
			for _, name := range append(slices.Clone(m.Labels), metric.LabelEnvironment) {
				if label(got[i], name) != label(want[i], name) {
					t.Errorf("%v, want %v", got[i], want[i])
				}
			}
			if got[i].GetGauge().GetValue() != want[i].GetGauge().GetValue() {
				t.Errorf("%v, want %v", got[i], want[i])
			}
		}
	}
	counted := windowSeries(write(t, b, Text, Options{}), metric.TenantWindowCounted)
	for i, m := range protos[metric.TenantWindowCounted.Name].GetMetric() {
		of := texts[metric.TenantWindowCounted.Name].GetMetric()[i]
		for _, name := range append(slices.Clone(metric.TenantWindowCounted.Labels), metric.LabelEnvironment) {
			if label(m, name) != label(of, name) {
				t.Errorf("%v, want %v", m, of)
			}
		}
		// They are not of the same moment. The state is some seconds old at most, the shortest window 300.
		if got := m.GetGauge().GetValue(); got < 0 || got > 0.5 {
			t.Errorf("counted in a state that began a moment ago: %v", m)
		}
	}
	inProtobuf := len(protos[metric.TenantWindowCounted.Name].GetMetric())
	if want := int(store.Windows); len(counted) != want || inProtobuf != want ||
		!strings.HasPrefix(counted[0], `thorbis_tenant_window_counted_ratio{app_service="web",environment="test",store="`+
			identity+`",window="1d"} `) {
		t.Errorf("counted:\n%s", strings.Join(counted, "\n"))
	}
	only := write(t, b, Text, Options{Only: map[string]bool{"beta": true}})
	if n := len(windowSeries(only, metric.TenantWindowRequests)); n != int(store.Windows) ||
		strings.Contains(string(only), "acme") {
		t.Errorf("asked for beta:\n%s", only)
	}
}

// A tenant that has windows has an info, whether it has series or not.
func TestListedTenantsHaveAnInfo(t *testing.T) {
	b := windowed(t, 2, map[string][3]uint32{"acme": {10, 2, 0}, "beta": {9, 0, 5}, "gamma": {3, 0, 0}, "none": {}})
	for format, parsed := range map[Format]expfmt.FormatType{Text: expfmt.TypeTextPlain, Protobuf: expfmt.TypeProtoDelim} {
		families, infos := parse(t, write(t, b, format, Options{}), expfmt.NewFormat(parsed)), map[string]int{}
		for _, m := range families[metric.TenantInfo.Name].GetMetric() {
			infos[label(m, metric.LabelTenant)]++
		}
		for _, tenant := range []string{"acme", "beta", "gamma"} {
			if infos[tenant] != 1 {
				t.Errorf("format %d: %s has %d infos of %v", format, tenant, infos[tenant], infos)
			}
		}
		if series := len(families[metric.TenantResponseBytes.Name].GetMetric()); series > 4 {
			t.Errorf("format %d: %d tenants have series", format, series)
		}
	}
}

// What is read once has no windows that end now.
func TestWhatIsReadOnceHasNoWindows(t *testing.T) {
	b, _ := counted(t, 3)
	for _, format := range []Format{Text, OpenMetrics, Protobuf} {
		if text := string(write(t, b, format, Options{})); strings.Contains(text, "_window_") {
			t.Errorf("format %d:\n%s", format, text)
		}
	}
}
