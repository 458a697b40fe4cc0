package expose

import (
	"encoding/binary"
	"io"
	"math"
	"sync"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Types of io.prometheus.client.MetricFamily.
const (
	protoCounter   = 0
	protoGauge     = 1
	protoHistogram = 4
)

// zeroThreshold is the client library's: only 0 itself is in the bucket of 0.
const zeroThreshold = 2.938735877055719e-39

// protoWriter writes io.prometheus.client.MetricFamily messages, each after its length. A family of many tenants
// comes in several messages: its length stands before it, and keeping one of 100,000 tenants would take more
// memory than their counters. Prometheus reads one message after the other and does not mind the name again.
type protoWriter struct {
	out      io.Writer
	view     *store.View
	options  Options
	level    *level
	services [][]byte // label pairs of each service
	listed   []store.WindowCounts
	env      []byte
	head     []byte
	body     []byte // metrics of the message at hand
	metric   []byte
	common   []byte // labels that several metrics have
	created  []byte
	inner    []byte
	deltas   []byte
}

var writers = sync.Pool{New: func() any { return &protoWriter{} }}

func writeProto(out io.Writer, v *store.View, o Options) error {
	w := writers.Get().(*protoWriter)
	w.out, w.view, w.options, w.services = out, v, o, w.services[:0]
	defer func() {
		w.out, w.view, w.options, w.level, w.listed = nil, nil, Options{}, nil, nil
		writers.Put(w)
	}()
	w.env = appendPair(w.env[:0], metric.LabelEnvironment, o.Environment)
	for _, s := range v.Services {
		pairs := appendPair(nil, metric.LabelAppService, s)
		w.services = append(w.services, append(pairs, w.env...))
	}
	var err error
	if w.listed, err = windowCounts(v, &o); err != nil {
		return err
	}
	if err := w.info(); err != nil {
		return err
	}
	if err := w.windows(); err != nil {
		return err
	}
	for _, w.level = range o.levels() {
		// As in the text, requests come last.
		for _, family := range []func() error{w.late, w.durations, w.bytes, w.slow, w.requests} {
			if err := family(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Protobuf's pieces: a tag is the field's number and the kind of what follows.
func appendBytes(b []byte, field int, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

func appendString(b []byte, field int, v string) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

func appendUint(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(field)<<3), v)
}

func appendDouble(b []byte, field int, v float64) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(b, uint64(field)<<3|1), math.Float64bits(v))
}

func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }

// appendPair appends a label as a field of a metric.
func appendPair(b []byte, name, value string) []byte {
	size := 2 + len(name) + 1 + uvarintSize(len(value)) + len(value)
	b = append(b, 1<<3|2)
	b = binary.AppendUvarint(b, uint64(size))
	return appendString(appendString(b, 1, name), 2, value)
}

func uvarintSize(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// appendCreated appends a google.protobuf.Timestamp.
func appendCreated(b []byte, field int, millis int64) []byte {
	var t [24]byte
	at := appendUint(t[:0], 1, uint64(millis/1000))
	if nanos := millis % 1000 * 1e6; nanos > 0 {
		at = appendUint(at, 2, uint64(nanos))
	}
	return appendBytes(b, field, at)
}

// begin begins a family.
func (w *protoWriter) begin(m *metric.Metric, kind uint64) {
	w.head = appendString(w.head[:0], 1, m.Name)
	w.head = appendString(w.head, 2, m.Help)
	w.head = appendUint(w.head, 3, kind)
	if m.Unit != "" {
		w.head = appendString(w.head, 5, m.Unit)
	}
	w.body = w.body[:0]
}

func (w *protoWriter) family(m *metric.Metric, kind uint64, each func(s *store.Series)) error {
	w.begin(m, kind)
	if err := w.each(each); err != nil {
		return err
	}
	return w.message()
}

// each calls f with the series to show, and writes a message whenever one is long enough.
func (w *protoWriter) each(f func(s *store.Series)) error {
	return w.level.each(w.view, func(s *store.Series) {
		if w.options.shows(s.Tenant) {
			f(s)
		}
	}, func() error {
		if len(w.body) < maxMessage {
			return nil
		}
		return w.message()
	})
}

// maxMessage is the size beyond which a message is ended.
const maxMessage = 128 << 10

// message writes the metrics at hand as a message.
func (w *protoWriter) message() error {
	if len(w.body) == 0 {
		return nil
	}
	w.metric = binary.AppendUvarint(w.metric[:0], uint64(len(w.head)+len(w.body)))
	for _, part := range [][]byte{w.metric, w.head, w.body} {
		if _, err := w.out.Write(part); err != nil {
			return err
		}
	}
	w.body = w.body[:0]
	return nil
}

// put adds the metric at hand to the message.
func (w *protoWriter) put() { w.body = appendBytes(w.body, 4, w.metric) }

func (w *protoWriter) labels(s *store.Series) []byte {
	return appendPair(append(w.metric[:0], w.services[s.Service]...), w.level.label, s.Tenant)
}

func (w *protoWriter) counter(b []byte, n uint64, created int64) []byte {
	w.inner = appendDouble(w.inner[:0], 1, float64(n))
	w.inner = appendCreated(w.inner, 3, created)
	return appendBytes(b, 3, w.inner)
}

func (w *protoWriter) counters(m *metric.Metric, label string, values []string,
	counts func(*store.Series) []uint64,
) error {
	pairs := make([][]byte, len(values))
	for i, v := range values {
		pairs[i] = appendPair(nil, label, v)
		if w.view.Store != "" {
			pairs[i] = appendPair(pairs[i], metric.LabelStore, w.view.Store)
		}
	}
	return w.family(m, protoCounter, func(s *store.Series) {
		// What the counters of a series have in common is made once.
		w.common, w.created = append(w.common[:0], w.labels(s)...), appendCreated(w.created[:0], 3, s.Created)
		for i, n := range counts(s) {
			w.inner = append(appendDouble(w.inner[:0], 1, float64(n)), w.created...)
			w.metric = appendBytes(append(append(w.metric[:0], w.common...), pairs[i]...), 3, w.inner)
			w.put()
		}
	})
}

func (w *protoWriter) requests() error {
	return w.counters(w.level.requests, metric.LabelCodeClass, metric.CodeClasses,
		func(s *store.Series) []uint64 { return s.Requests[:] })
}

func (w *protoWriter) late() error {
	return w.counters(w.level.late, metric.LabelCodeClass, metric.CodeClasses,
		func(s *store.Series) []uint64 { return s.Late[:] })
}

func (w *protoWriter) slow() error {
	return w.counters(w.level.slow, metric.LabelThreshold, thresholdTexts(w.view),
		func(s *store.Series) []uint64 { return s.Slow })
}

func (w *protoWriter) bytes() error {
	if w.level.bytes == nil {
		return nil
	}
	return w.family(w.level.bytes, protoCounter, func(s *store.Series) {
		w.metric = w.counter(w.labels(s), s.Bytes, s.Created)
		w.put()
	})
}

func (w *protoWriter) info() error {
	one := appendDouble(nil, 1, 1)
	put := func(tenant string) {
		b := appendPair(append(w.metric[:0], w.env...), metric.LabelTenant, tenant)
		w.metric = appendBytes(appendPair(b, metric.LabelTier, w.options.tier(tenant)), 2, one)
		w.put()
	}
	o := once{rest: withoutSeries(w.listed)}
	w.level = &byTenant
	w.begin(metric.TenantInfo, protoGauge)
	if err := w.each(func(s *store.Series) {
		if o.first(w.view, s) {
			put(s.Tenant)
		}
	}); err != nil {
		return err
	}
	for _, tenant := range o.others() {
		put(tenant)
	}
	return w.message()
}

func (w *protoWriter) durations() error {
	return w.family(w.level.durations, protoHistogram, func(s *store.Series) {
		h := appendUint(w.inner[:0], 1, observations(s))
		h = appendDouble(h, 2, sum(s))
		if w.options.Classic {
			h = appendClassic(h, s)
		}
		if w.options.Native {
			h = w.appendNative(h, s)
		}
		w.inner = appendCreated(h, 15, s.DurationsCreated)
		w.metric = appendBytes(w.labels(s), 7, w.inner)
		w.put()
	})
}

func appendClassic(b []byte, s *store.Series) []byte {
	n := uint64(0)
	for i, bound := range store.ClassicBounds {
		n += s.Classic[i]
		var t [24]byte
		bucket := appendDouble(appendUint(t[:0], 1, n), 2, float64(bound)/1e9)
		b = appendBytes(b, 3, bucket)
	}
	return b
}

// maxGap is how many empty buckets are cheaper than a new span, as the client library has it.
const maxGap = 2

func (w *protoWriter) appendNative(b []byte, s *store.Series) []byte {
	b = appendUint(b, 5, zigzag(store.Schema))
	b = appendDouble(b, 6, zeroThreshold)
	b = appendUint(b, 7, s.Zero)
	w.deltas = w.deltas[:0]
	var previous uint64
	offset, length, end, first := 0, 0, 0, true
	span := func() {
		var t [16]byte
		b = appendBytes(b, 12, appendUint(appendUint(t[:0], 1, zigzag(int64(offset))), 2, uint64(length)))
	}
	s.Native(func(index int, n uint64) {
		switch gap := index - end; {
		case first:
			offset, first = index, false
		case gap <= maxGap:
			for range gap {
				w.deltas = binary.AppendUvarint(w.deltas, zigzag(-int64(previous)))
				previous = 0
				length++
			}
		default:
			span()
			offset, length = gap, 0
		}
		w.deltas = binary.AppendUvarint(w.deltas, zigzag(int64(n)-int64(previous)))
		previous = n
		length++
		end = index + 1
	})
	span() // an empty one marks a native histogram without observations
	if len(w.deltas) > 0 {
		b = appendBytes(b, 13, w.deltas)
	}
	return b
}
