package expose

import (
	"io"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/metric"
)

// textWriter writes Prometheus' text format or OpenMetrics. Tenants, services and environments are names by
// the policy's grammar and need no escaping.
type textWriter struct {
	out      io.Writer
	view     *store.View
	options  Options
	om       bool
	buf      *buffer
	level    *level
	services []string // labels of each service up to the name of a series
	stored   []string // the same of counters, whose saved state is named
	listed   []store.WindowCounts
}

func writeText(out io.Writer, v *store.View, om bool, o Options) error {
	w := &textWriter{out: out, view: v, options: o, om: om, buf: pool.Get().(*buffer)}
	defer pool.Put(w.buf)
	w.buf.b = w.buf.b[:0]
	var err error
	if w.listed, err = windowCounts(v, &o); err != nil {
		return err
	}
	if err := w.info(); err != nil {
		return err
	}
	w.begin(&byTenant)
	if err := w.windows(); err != nil {
		return err
	}
	for _, level := range o.levels() {
		w.begin(level)
		// Requests come last: what was counted meanwhile makes no share of them more than all.
		for _, family := range []func() error{w.late, w.durations, w.bytes, w.slow, w.requests} {
			if err := family(); err != nil {
				return err
			}
		}
	}
	if om {
		w.buf.b = append(w.buf.b, "# EOF\n"...)
	}
	return w.flush()
}

// begin makes the labels of a level.
func (w *textWriter) begin(l *level) {
	w.level, w.services, w.stored = l, w.services[:0], w.stored[:0]
	for _, s := range w.view.Services {
		service := `{app_service="` + s + `",environment="` + w.options.Environment + `",`
		w.services = append(w.services, service+l.label+`="`)
		if w.view.Store != "" {
			service += metric.LabelStore + `="` + w.view.Store + `",`
		}
		w.stored = append(w.stored, service+l.label+`="`)
	}
}

func (w *textWriter) flush() error {
	if len(w.buf.b) == 0 {
		return nil
	}
	_, err := w.out.Write(w.buf.b)
	w.buf.b = w.buf.b[:0]
	return err
}

// header begins a family and returns the name of its samples. OpenMetrics names a counter's family without _total.
func (w *textWriter) header(m *metric.Metric, kind string) string {
	name := m.Name
	if w.om {
		name = strings.TrimSuffix(name, "_total")
	}
	b := w.buf.b
	b = append(append(append(append(append(b, "# HELP "...), name...), ' '), m.Help...), '\n')
	b = append(append(append(append(append(b, "# TYPE "...), name...), ' '), kind...), '\n')
	if w.om && m.Unit != "" {
		b = append(append(append(append(append(b, "# UNIT "...), name...), ' '), m.Unit...), '\n')
	}
	w.buf.b = b
	return m.Name
}

func (w *textWriter) each(f func(b []byte, s *store.Series) []byte) error {
	return w.level.each(w.view, func(s *store.Series) {
		if w.options.shows(s.Tenant) {
			w.buf.b = f(w.buf.b, s)
		}
	}, w.flush)
}

// labels appends a name and its labels up to and with the name of the series, without the quote.
func (w *textWriter) labels(b []byte, name string, s *store.Series) []byte {
	return append(append(append(b, name...), w.services[s.Service]...), s.Tenant...)
}

func (w *textWriter) info() error {
	name := metric.TenantInfo.Name
	if w.om {
		w.infoHeader()
	} else {
		w.header(metric.TenantInfo, "gauge")
	}
	line := func(b []byte, tenant string) []byte {
		b = append(append(append(b, name...), `{environment="`...), w.options.Environment...)
		b = append(append(append(b, `",tenant="`...), tenant...), `",tier="`...)
		return append(append(b, w.options.tier(tenant)...), "\"} 1\n"...)
	}
	o := once{rest: withoutSeries(w.listed)}
	w.level = &byTenant
	if err := w.each(func(b []byte, s *store.Series) []byte {
		if !o.first(w.view, s) {
			return b
		}
		return line(b, s.Tenant)
	}); err != nil {
		return err
	}
	for _, tenant := range o.others() {
		w.buf.b = line(w.buf.b, tenant)
	}
	return nil
}

// infoHeader: OpenMetrics names an info family without _info.
func (w *textWriter) infoHeader() {
	name := strings.TrimSuffix(metric.TenantInfo.Name, "_info")
	w.buf.b = append(w.buf.b, "# HELP "+name+" "+metric.TenantInfo.Help+"\n# TYPE "+name+" info\n"...)
}

func suffixes(label string, values []string) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = `",` + label + `="` + v + `"} `
	}
	return all
}

func (w *textWriter) counters(m *metric.Metric, label string, values []string,
	counts func(*store.Series) []uint64,
) error {
	name := w.header(m, "counter")
	after := suffixes(label, values)
	return w.each(func(b []byte, s *store.Series) []byte {
		for i, n := range counts(s) {
			b = append(append(append(append(b, name...), w.stored[s.Service]...), s.Tenant...), after[i]...)
			b = append(strconv.AppendUint(b, n, 10), '\n')
		}
		return b
	})
}

func (w *textWriter) requests() error {
	return w.counters(w.level.requests, metric.LabelCodeClass, metric.CodeClasses,
		func(s *store.Series) []uint64 { return s.Requests[:] })
}

func (w *textWriter) late() error {
	return w.counters(w.level.late, metric.LabelCodeClass, metric.CodeClasses,
		func(s *store.Series) []uint64 { return s.Late[:] })
}

func (w *textWriter) slow() error {
	return w.counters(w.level.slow, metric.LabelThreshold, thresholdTexts(w.view),
		func(s *store.Series) []uint64 { return s.Slow })
}

func (w *textWriter) bytes() error {
	if w.level.bytes == nil {
		return nil
	}
	name := w.header(w.level.bytes, "counter")
	return w.each(func(b []byte, s *store.Series) []byte {
		b = append(w.labels(b, name, s), `"} `...)
		return append(strconv.AppendUint(b, s.Bytes, 10), '\n')
	})
}

// durations writes the histogram with its classic buckets, or with the one that everything is in: neither
// text format knows native histograms.
func (w *textWriter) durations() error {
	name := w.header(w.level.durations, "histogram")
	bucket, count, total := name+"_bucket", name+"_count", name+"_sum"
	var after []string
	for _, bound := range classicBounds {
		if w.om && !strings.Contains(bound, ".") {
			bound += ".0"
		}
		after = append(after, `",le="`+bound+`"} `)
	}
	return w.each(func(b []byte, s *store.Series) []byte {
		if w.options.Classic {
			n := uint64(0)
			for i := range after {
				n += s.Classic[i]
				b = append(w.labels(b, bucket, s), after[i]...)
				b = append(strconv.AppendUint(b, n, 10), '\n')
			}
		}
		n := observations(s)
		b = append(w.labels(b, bucket, s), `",le="+Inf"} `...)
		b = append(strconv.AppendUint(b, n, 10), '\n')
		b = append(w.labels(b, count, s), `"} `...)
		b = append(strconv.AppendUint(b, n, 10), '\n')
		b = append(w.labels(b, total, s), `"} `...)
		return append(appendSum(b, s), '\n')
	})
}

// appendSum writes the exact decimal.
func appendSum(b []byte, s *store.Series) []byte {
	b = strconv.AppendUint(b, s.SumSeconds, 10)
	if s.SumNanos == 0 {
		return b
	}
	b = append(b, '.')
	start := len(b)
	b = strconv.AppendUint(b, 1e9+uint64(s.SumNanos), 10)
	copy(b[start:], b[start+1:])
	b = b[:start+9]
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}
