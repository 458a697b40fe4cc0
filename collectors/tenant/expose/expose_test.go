package expose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/metric"
)

// counted is a store in which n tenants made requests, and those requests.
func counted(t testing.TB, n int) (*store.Store, map[string][]time.Duration) {
	t.Helper()
	b, err := store.Open(store.Options{Logger: slog.New(slog.DiscardHandler), Immediate: true})
	if err != nil {
		t.Fatal(err)
	}
	thresholds := []uint64{300e6, 1e9}
	numbers := b.Configure(
		store.Config{Limit: n, Thresholds: thresholds, Sources: []store.SourceConfig{{Name: "log", Service: "web"}}})
	agg := aggregate.NewAggregator(b)
	agg.Begin(&aggregate.CountSource{
		Number: numbers["log"].Source, Thresholds: thresholds, Late: time.Hour, Weight: aggregate.Whole,
		Rule: &aggregate.Rule{
			Service: numbers["log"].Service, Names: aggregate.NewNames("{tenant}.thorbis.app", "", nil, nil),
		},
	})
	random, all := rand.New(rand.NewPCG(1, 1)), map[string][]time.Duration{}
	for i := range n {
		name := fmt.Sprintf("t%d", i)
		for range 30 {
			d := time.Duration(math.Exp(random.NormFloat64()) * 50e6)
			if random.IntN(10) == 0 {
				d = 0
			}
			all[name] = append(all[name], d)
			agg.Add(&decode.Event{
				Host: []byte(name + ".thorbis.app"), Status: 200 + 300*random.IntN(2), Duration: int64(d), Bytes: 100,
			})
		}
		agg.Add(&decode.Event{Host: []byte(name + ".thorbis.app"), Status: 204, Duration: -1, Time: 1})
	}
	ctx, done := t.Context(), make(chan struct{})
	go func() { _ = b.Run(ctx); close(done) }()
	if err := b.Commit(ctx, agg.Flush(nil, nil)); err != nil {
		t.Fatal(err)
	}
	return b, all
}

func write(t *testing.T, b *store.Store, f Format, o Options) []byte {
	t.Helper()
	o.Environment = "test"
	var out bytes.Buffer
	if err := Write(&out, b.View(), f, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func parse(t *testing.T, text []byte, format expfmt.Format) map[string]*dto.MetricFamily {
	t.Helper()
	families := map[string]*dto.MetricFamily{}
	d := expfmt.NewDecoder(bytes.NewReader(text), format)
	for {
		var mf dto.MetricFamily
		err := d.Decode(&mf)
		if errors.Is(err, io.EOF) {
			return families
		}
		if err != nil {
			t.Fatal(err)
		}
		if families[mf.GetName()] != nil {
			t.Fatalf("%s twice", mf.GetName())
		}
		families[mf.GetName()] = &mf
	}
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func TestTextAndProtobufSayWhatWasCounted(t *testing.T) {
	b, want := counted(t, 300)
	protos := parse(t, write(t, b, Protobuf, Options{Native: true, Classic: true}),
		expfmt.NewFormat(expfmt.TypeProtoDelim))
	texts := parse(t, write(t, b, Text, Options{Native: true, Classic: true}), expfmt.NewFormat(expfmt.TypeTextPlain))
	if len(protos) != 10 || len(texts) != 10 {
		t.Fatalf("%d and %d families", len(protos), len(texts))
	}
	for name, family := range texts {
		if len(family.Metric) != len(protos[name].GetMetric()) {
			t.Errorf("%s: %d series in text, %d in protobuf", name, len(family.Metric), len(protos[name].GetMetric()))
		}
		for i, m := range family.Metric {
			p := protos[name].Metric[i]
			if label(m, "tenant") != label(p, "tenant") || label(m, "tier") != label(p, "tier") ||
				label(p, "environment") != "test" || m.GetCounter().GetValue() != p.GetCounter().GetValue() {
				t.Fatalf("%s: %v\n%v", name, m, p)
			}
		}
	}
	for _, m := range protos[metric.TenantRequestDuration.Name].Metric {
		checkHistogram(t, m.GetHistogram(), want[label(m, "tenant")])
	}
	var every []time.Duration
	for _, all := range want {
		every = append(every, all...)
	}
	for _, m := range protos[metric.ServiceRequestDuration.Name].Metric {
		if label(m, "tier") == metric.TierNone {
			checkHistogram(t, m.GetHistogram(), every)
		}
	}
	for service, tenant := range map[*metric.Metric]*metric.Metric{
		metric.ServiceRequests: metric.TenantRequests, metric.ServiceLateRequests: metric.TenantLateRequests,
		metric.ServiceSlowRequests: metric.TenantSlowRequests,
	} {
		if got, want := sumOf(protos[service.Name]), sumOf(protos[tenant.Name]); got != want || want == 0 {
			t.Errorf("%s: %v, want %v", service.Name, got, want)
		}
	}
	for _, m := range protos[metric.TenantSlowRequests.Name].Metric {
		n := 0.0
		for _, d := range want[label(m, "tenant")] {
			if label(m, "threshold") == "0.3" && d > 300*time.Millisecond || label(m, "threshold") == "1" && d > time.Second {
				n++
			}
		}
		if m.GetCounter().GetValue() != n || m.GetCounter().GetCreatedTimestamp() == nil {
			t.Errorf("%v, want %v", m, n)
		}
	}
}

func sumOf(family *dto.MetricFamily) (sum float64) {
	for _, m := range family.GetMetric() {
		sum += m.GetCounter().GetValue()
	}
	return sum
}

// meanwhile counts a slow request whenever a part of a scrape is written.
type meanwhile struct {
	bytes.Buffer
	count func()
}

func (m *meanwhile) Write(p []byte) (int, error) {
	m.count()
	return m.Buffer.Write(p)
}

// What is counted while a scrape is written makes no share of the requests in it more than all of them.
func TestNoShareIsMoreThanAll(t *testing.T) {
	b, _ := counted(t, 1)
	slot, _ := b.Lookup(0, []byte("t0"))
	for format, parsed := range map[Format]expfmt.FormatType{Text: expfmt.TypeTextPlain, Protobuf: expfmt.TypeProtoDelim} {
		out := &meanwhile{count: func() {
			c := &store.Accumulator{Slot: slot, Bytes: 1}
			c.Requests[1], c.Slow[0] = 1000, 1000
			c.Observe(400e6, 1000, &store.Histograms{})
			if err := b.Commit(
				t.Context(),
				store.Encode(&store.Batch{Epoch: b.Epoch(), Thresholds: b.Thresholds(), Accumulators: []*store.Accumulator{c}}),
			); err != nil {
				t.Fatal(err)
			}
		}}
		if err := Write(out, b.View(), format, Options{Environment: "test", Native: true, Classic: true}); err != nil {
			t.Fatal(err)
		}
		families := parse(t, out.Bytes(), expfmt.NewFormat(parsed))
		requests, slow, observed := 0.0, 0.0, 0.0
		for _, m := range families[metric.TenantRequests.Name].Metric {
			requests += m.GetCounter().GetValue()
		}
		for _, m := range families[metric.TenantSlowRequests.Name].Metric {
			slow += m.GetCounter().GetValue()
		}
		for _, m := range families[metric.TenantRequestDuration.Name].Metric {
			observed += float64(m.GetHistogram().GetSampleCount())
		}
		if slow < 1000 || slow > requests || observed > requests {
			t.Errorf("format %d: %v requests, %v slow, %v durations", format, requests, slow, observed)
		}
		all, slowOfAll := sumOf(families[metric.ServiceRequests.Name]), sumOf(families[metric.ServiceSlowRequests.Name])
		if all < requests || slowOfAll < slow || slowOfAll > all {
			t.Errorf("format %d: %v requests of all, %v of a tenant; %v slow, %v", format, all, requests, slowOfAll, slow)
		}
	}
}

func checkHistogram(t *testing.T, h *dto.Histogram, want []time.Duration) {
	t.Helper()
	sum, zeros := 0.0, uint64(0)
	for _, d := range want {
		sum += d.Seconds()
		if d == 0 {
			zeros++
		}
	}
	if h.GetSampleCount() != uint64(len(want)) || math.Abs(h.GetSampleSum()-sum) > 1e-9 || h.GetZeroCount() != zeros {
		t.Errorf("%d, %v, %d; want %d, %v, %d", h.GetSampleCount(), h.GetSampleSum(), h.GetZeroCount(), len(want), sum, zeros)
	}
	for _, bucket := range h.GetBucket() {
		n := uint64(0)
		for _, d := range want {
			if d.Seconds() <= bucket.GetUpperBound() {
				n++
			}
		}
		if bucket.GetCumulativeCount() != n {
			t.Errorf("le %v: %d, want %d", bucket.GetUpperBound(), bucket.GetCumulativeCount(), n)
		}
	}
	total, n, at := int64(zeros), int64(0), 0
	for _, span := range h.GetPositiveSpan() {
		for range span.GetLength() {
			n += h.GetPositiveDelta()[at]
			total += n
			at++
		}
	}
	if total != int64(len(want)) || at != len(h.GetPositiveDelta()) || h.GetSchema() != store.Schema ||
		len(h.GetPositiveSpan()) == 0 {
		t.Errorf("native: %d of %d in %v", total, len(want), h)
	}
}

// Counters of requests name the store that they continue in, in every format; what is read once has none.
func TestCountersNameTheirStore(t *testing.T) {
	b, _ := counted(t, 3)
	formats := map[Format]expfmt.FormatType{Text: expfmt.TypeTextPlain, Protobuf: expfmt.TypeProtoDelim}
	for _, store := range []string{"", "0123abcd"} {
		for format, parsed := range formats {
			view := b.View()
			view.Store = store
			var out bytes.Buffer
			if err := Write(&out, view, format, Options{Native: true, Classic: true}); err != nil {
				t.Fatal(err)
			}
			for name, family := range parse(t, out.Bytes(), expfmt.NewFormat(parsed)) {
				i := slices.IndexFunc(metric.All(), func(m *metric.Metric) bool { return m.Name == name })
				want := ""
				if metric.All()[i].Has(metric.LabelStore) {
					want = store
				}
				for _, m := range family.Metric {
					if got := label(m, metric.LabelStore); got != want {
						t.Fatalf("format %d: %s of store %q, want %q", format, name, got, want)
					}
				}
			}
		}
	}
}

func TestOpenMetrics(t *testing.T) {
	b, _ := counted(t, 3)
	text := string(write(t, b, OpenMetrics, Options{Native: true, Classic: true}))
	for _, want := range []string{
		"# TYPE thorbis_tenant_requests counter\n", "# TYPE thorbis_tenant info\n",
		"# UNIT thorbis_tenant_request_duration_seconds seconds\n",
		`thorbis_tenant_requests_total{app_service="web",environment="test",tenant="t1",code_class="2xx"} `, `le="1.0"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if !strings.HasSuffix(text, "\n# EOF\n") || strings.Count(text, "# EOF") != 1 {
		t.Error("the end")
	}
}

func TestOnlyTheTenantsAskedFor(t *testing.T) {
	b, _ := counted(t, 3)
	families := parse(t, write(t, b, Text, Options{Only: map[string]bool{"t1": true}}),
		expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, family := range families {
		for _, m := range family.Metric {
			if label(m, "tenant") != "t1" {
				t.Errorf("%v", m)
			}
		}
	}
	if len(families[metric.TenantRequests.Name].GetMetric()) != len(metric.CodeClasses) {
		t.Error("t1 is missing")
	}
}
