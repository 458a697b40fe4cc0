package health

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

// A check's histogram shows what one of the client library shows of the same durations, whatever order they come in.
func TestDurations(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	bounds := append([]float64{}, durationBuckets[:]...)
	for i := range 200 { // and those of native buckets
		bounds = append(bounds, math.Exp2(float64(i-150)/8), math.Nextafter(math.Exp2(float64(i-150)/8), 0))
	}
	for name, observe := range map[string]func(i int) float64{
		"none":    nil,
		"bounds":  func(i int) float64 { return bounds[i%len(bounds)] },
		"fast":    func(int) float64 { return 0.001 + random.ExpFloat64()/1000 },
		"spread":  func(int) float64 { return math.Exp(random.Float64()*12 - 8) },
		"falling": func(i int) float64 { return 3 / float64(i*i+1) },
		"rare":    func(i int) float64 { return []float64{0.0011, 2.9, 0.04}[i%3] },
	} {
		t.Run(name, func(t *testing.T) {
			want := prometheus.NewHistogram(prometheus.HistogramOpts{
				Name: "x", Buckets: durationBuckets[:], NativeHistogramBucketFactor: 1.1,
			})
			got := &durations{created: time.Now()}
			for i := range 500 {
				if observe == nil {
					break
				}
				if seconds := observe(i); seconds >= leastDuration {
					want.Observe(seconds)
					got.observe(seconds)
				}
			}
			var a, b dto.Metric
			if err := want.Write(&a); err != nil {
				t.Fatal(err)
			}
			if err := got.Write(&b); err != nil {
				t.Fatal(err)
			}
			a.Histogram.CreatedTimestamp, b.Histogram.CreatedTimestamp = nil, nil
			if !proto.Equal(&a, &b) {
				t.Errorf("the library shows\n%v\nbut the check\n%v", &a, &b)
			}
		})
	}
}

// Whatever durations come, no more native buckets are kept than there are between the least and the most.
func TestDurationsAreBounded(t *testing.T) {
	var d durations
	for _, seconds := range []float64{0, -1, 1e-300, 1e300, math.MaxFloat64, math.Inf(1), 0.1} {
		d.observe(seconds)
	}
	if most := 8 * 32; len(d.native) > most {
		t.Errorf("%d native buckets, want %d at the most", len(d.native), most)
	}
}
