package expose

import (
	"strconv"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// windowSLOs are the label values of the objectives of a view, in the order of store.WindowCounts' Bad.
func windowSLOs(v *store.View) []string {
	slos := []string{metric.SLOAvailability}
	for _, t := range v.Thresholds {
		slos = append(slos, metric.SLOLatencyPrefix+config.Duration(t).String())
	}
	return slos
}

// windowCounts returns the windows to write. Requests and bad ones are of the same moment: a window also shrinks.
func windowCounts(v *store.View, o *Options) ([]store.WindowCounts, error) {
	if v.Store == "" {
		return nil, nil // what is read once has no windows that end now
	}
	return v.Windows(o.shows)
}

// withoutSeries are the listed tenants that have no series of their own.
func withoutSeries(listed []store.WindowCounts) map[string]bool {
	all := map[string]bool{}
	for i := range listed {
		if listed[i].NoSeries {
			all[listed[i].Tenant] = true
		}
	}
	return all
}

func (w *textWriter) windows() error {
	if w.view.Store == "" {
		return nil
	}
	w.windowCounted()
	if err := w.windowRequests(); err != nil {
		return err
	}
	return w.windowBad()
}

// windowCounted writes for how much of each window requests were counted at all.
func (w *textWriter) windowCounted() {
	name := w.header(metric.TenantWindowCounted, "gauge")
	for service, app := range w.view.Services {
		shares, ok := w.view.Counted(service)
		if !ok {
			continue
		}
		for i, window := range store.WindowNames() {
			b := append(append(append(w.buf.b, name...), `{app_service="`...), app...)
			b = append(append(append(b, `",environment="`...), w.options.Environment...), `",store="`...)
			b = append(append(append(b, w.view.Store...), `",window="`...), window...)
			w.buf.b = append(strconv.AppendFloat(append(b, `"} `...), shares[i], 'g', -1, 64), '\n')
		}
	}
}

func (w *textWriter) windowRequests() error {
	name, after := w.header(metric.TenantWindowRequests, "gauge"), suffixes(metric.LabelWindow, store.WindowNames())
	for i := range w.listed {
		c := &w.listed[i]
		if err := w.windowed(name, c, after, &c.Requests); err != nil {
			return err
		}
	}
	return nil
}

func (w *textWriter) windowBad() error {
	name, slos := w.header(metric.TenantWindowBadRequests, "gauge"), windowSLOs(w.view)
	after := make([][]string, len(slos))
	for i, slo := range slos {
		after[i] = suffixes(metric.LabelSLO+`="`+slo+`",`+metric.LabelWindow, store.WindowNames())
	}
	for i := range w.listed {
		for kind, counts := range w.listed[i].Bad {
			if counts == nil {
				continue
			}
			if err := w.windowed(name, &w.listed[i], after[kind], counts); err != nil {
				return err
			}
		}
	}
	return nil
}

// windowed writes the series of a tenant, one for each window.
func (w *textWriter) windowed(name string, c *store.WindowCounts, after []string, counts *[store.Windows]uint64) error {
	b := w.buf.b
	for i, n := range counts {
		b = append(append(append(append(b, name...), w.stored[c.Service]...), c.Tenant...), after[i]...)
		b = append(strconv.AppendUint(b, n, 10), '\n')
	}
	w.buf.b = b
	if len(b) < bufferSize {
		return nil
	}
	return w.flush()
}

func (w *protoWriter) windows() error {
	var windows [store.Windows][]byte
	for i, name := range store.WindowNames() {
		windows[i] = appendPair(nil, metric.LabelWindow, name)
	}
	identity := appendPair(nil, metric.LabelStore, w.view.Store)
	if err := w.windowCounted(windows[:], identity); err != nil {
		return err
	}
	w.begin(metric.TenantWindowRequests, protoGauge)
	for i := range w.listed {
		c := &w.listed[i]
		w.common = append(w.windowLabels(c), identity...)
		if err := w.windowed(windows[:], c.Requests[:]); err != nil {
			return err
		}
	}
	if err := w.message(); err != nil {
		return err
	}
	w.begin(metric.TenantWindowBadRequests, protoGauge)
	slos := windowSLOs(w.view)
	for i := range w.listed {
		for kind, counts := range w.listed[i].Bad {
			if counts == nil {
				continue
			}
			w.common = appendPair(append(w.windowLabels(&w.listed[i]), identity...), metric.LabelSLO, slos[kind])
			if err := w.windowed(windows[:], counts[:]); err != nil {
				return err
			}
		}
	}
	return w.message()
}

func (w *protoWriter) windowCounted(windows [][]byte, identity []byte) error {
	w.begin(metric.TenantWindowCounted, protoGauge)
	for service := range w.view.Services {
		shares, ok := w.view.Counted(service)
		if !ok {
			continue
		}
		w.common = append(append(w.common[:0], w.services[service]...), identity...)
		for i, share := range shares {
			w.inner = appendDouble(w.inner[:0], 1, share)
			w.metric = appendBytes(append(append(w.metric[:0], w.common...), windows[i]...), 2, w.inner)
			w.put()
		}
	}
	return w.message()
}

func (w *protoWriter) windowLabels(c *store.WindowCounts) []byte {
	return appendPair(append(w.common[:0], w.services[c.Service]...), metric.LabelTenant, c.Tenant)
}

// windowed adds the series that have the labels in common to the message, one for each window.
func (w *protoWriter) windowed(windows [][]byte, counts []uint64) error {
	for i, n := range counts {
		w.inner = appendDouble(w.inner[:0], 1, float64(n))
		w.metric = appendBytes(append(append(w.metric[:0], w.common...), windows[i]...), 2, w.inner)
		w.put()
	}
	if len(w.body) < maxMessage {
		return nil
	}
	return w.message()
}
