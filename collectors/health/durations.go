package health

import (
	"math"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/thorbis/thorbis_exporter/metric"
)

// durationBuckets are the classic bounds, with one at the 300 ms of the default latency objective.
var durationBuckets = [...]float64{.025, .05, .1, .2, .3, .5, 1, 2, 3}

// Native buckets are those of the client library with a factor of 1.1: eight from one power of two to the next.
const (
	nativeSchema        = 3
	nativeZeroThreshold = prometheus.DefNativeHistogramZeroThreshold
)

// nativeFractions are the bounds of native buckets between a half and one, to the last digit as the client library has
// them.
var nativeFractions = [1 << nativeSchema]float64{
	0.5, 0.5452538663326288, 0.5946035575013605, 0.6484197773255048,
	0.7071067811865475, 0.7711054127039704, 0.8408964152537144, 0.9170040432046711,
}

// Durations beyond these count in the outermost native buckets, which bounds their number.
const (
	leastDuration = float64(time.Microsecond) / float64(time.Second)
	mostDuration  = float64(time.Hour) / float64(time.Second)
)

// maxNativeGap is how many empty native buckets in a row are shown as such. A longer gap begins another span.
const maxNativeGap = 2

// durations is a histogram of what probes took, classic and native. One of the client library takes 3 KiB before the
// first probe and 3 KiB more for native buckets; this one is a few hundred bytes.
type durations struct {
	mu      sync.Mutex
	created time.Time
	sum     float64
	classic [len(durationBuckets) + 1]uint64
	lowest  int      // index of the first native bucket
	native  []uint32 // from there on; a probe a second fills one in a century
}

// observe counts one duration in seconds.
func (d *durations) observe(seconds float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sum += seconds
	d.classic[sort.SearchFloat64s(durationBuckets[:], seconds)]++
	fraction, exponent := math.Frexp(min(max(seconds, leastDuration), mostDuration))
	i := sort.SearchFloat64s(nativeFractions[:], fraction) + (exponent-1)*len(nativeFractions)
	switch {
	case len(d.native) == 0:
		d.lowest = i
	case i < d.lowest:
		d.native = slices.Insert(d.native, 0, make([]uint32, d.lowest-i)...)
		d.lowest = i
	}
	if missing := i - d.lowest + 1 - len(d.native); missing > 0 {
		d.native = append(d.native, make([]uint32, missing)...)
	}
	d.native[i-d.lowest]++
}

// Desc implements prometheus.Metric.
func (d *durations) Desc() *prometheus.Desc { return metric.HealthCheckDuration.Desc() }

// Write implements prometheus.Metric.
func (d *durations) Write(out *dto.Metric) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := &dto.Histogram{
		SampleSum: new(d.sum), CreatedTimestamp: timestamppb.New(d.created),
		Bucket: make([]*dto.Bucket, len(durationBuckets)),
		Schema: new(int32(nativeSchema)), ZeroThreshold: new(nativeZeroThreshold), ZeroCount: new(uint64(0)),
	}
	count := uint64(0)
	for i, n := range d.classic {
		count += n
		if i < len(durationBuckets) {
			h.Bucket[i] = &dto.Bucket{UpperBound: &durationBuckets[i], CumulativeCount: new(count)}
		}
	}
	h.SampleCount = &count
	h.PositiveSpan, h.PositiveDelta = d.spans()
	out.Histogram = h
	return nil
}

// spans returns the native buckets as the exposition has them. The caller holds the lock.
func (d *durations) spans() (spans []*dto.BucketSpan, deltas []int64) {
	next, before := 0, uint32(0)
	add := func(n uint32) {
		*spans[len(spans)-1].Length++
		deltas = append(deltas, int64(n)-int64(before))
		before = n
	}
	for i, n := range d.native {
		if n == 0 {
			continue
		}
		i += d.lowest
		if gap := i - next; len(spans) == 0 || gap > maxNativeGap {
			spans = append(spans, &dto.BucketSpan{Offset: new(int32(gap)), Length: new(uint32(0))})
		} else {
			for range gap {
				add(0)
			}
		}
		add(n)
		next = i + 1
	}
	return spans, deltas
}
