package store

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// The client library judges a duration in seconds; our buckets are of whole nanoseconds. They must agree.
func TestBucketsAreThoseOfTheClientLibrary(t *testing.T) {
	var durations []uint64
	for _, u := range upper[:Buckets-1] {
		durations = append(durations, u, u+1)
	}
	for range 20_000 {
		durations = append(durations, uint64(math.Exp(rand.Float64()*math.Log(9e11)))+2000)
	}
	h := prometheus.NewHistogram(prometheus.HistogramOpts{NativeHistogramBucketFactor: 1.1})
	for i, d := range durations {
		if d < 1100 { // shorter ones share the first bucket
			continue
		}
		if i%1000 == 0 {
			h = prometheus.NewHistogram(prometheus.HistogramOpts{NativeHistogramBucketFactor: 1.1})
		}
		var before, after dto.Metric
		_ = h.Write(&before)
		h.Observe(float64(d) / 1e9)
		_ = h.Write(&after)
		if after.Histogram.GetSchema() != Schema {
			t.Fatalf("schema %d", after.Histogram.GetSchema())
		}
		got := FirstIndex + Bucket(d)
		if bucketCounts(&after)[got] != bucketCounts(&before)[got]+1 {
			t.Fatalf("%d ns: bucket %d, but the library counts %v", d, got, bucketCounts(&after))
		}
	}
}

func bucketCounts(m *dto.Metric) map[int]int64 {
	all := map[int]int64{}
	index, n, at := 0, int64(0), 0
	for _, span := range m.Histogram.GetPositiveSpan() {
		index += int(span.GetOffset())
		for range span.GetLength() {
			n += m.Histogram.GetPositiveDelta()[at]
			at++
			all[index] = n
			index++
		}
	}
	return all
}

func TestClassicBuckets(t *testing.T) {
	for _, bound := range ClassicBounds {
		for _, d := range []uint64{bound - 1, bound, bound + 1} {
			want := 0
			for want < len(ClassicBounds) && d > ClassicBounds[want] {
				want++
			}
			if got := classicBucket(d, Bucket(d)); got != want {
				t.Errorf("%d ns: %d, want %d", d, got, want)
			}
		}
	}
	if Bucket(1) != 0 || Bucket(math.MaxUint64) != Buckets-1 {
		t.Error("the ends")
	}
}

func BenchmarkBucket(b *testing.B) {
	for i := range b.N {
		sink = Bucket(uint64(i%1000+1) * 1e6)
	}
}

var sink int
