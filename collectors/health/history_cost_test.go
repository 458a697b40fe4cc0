package health

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkHistory measures what a check of 10,000 tenants costs: at midnight, when the day of each ends, and when it
// is asked for.
func BenchmarkHistory(b *testing.B) {
	const tenants, days = 10_000, 30
	names := make([]string, tenants)
	for i := range names {
		names[i] = fmt.Sprintf("tenant-%05d", i)
	}
	of := func(d date) []ended {
		entries := make([]ended, tenants)
		for i := range entries {
			entries[i] = ended{
				Sequence: uint64(int(d)*tenants + i + 1), Check: "tenant-home", Tenant: names[i], Location: "fra", Month: testMonth,
				Day: day{
					Date: testMonth.first() + d, Observed: dayLength - time.Duration(i%7)*time.Millisecond,
					Unknown: time.Duration(i%7) * time.Millisecond, Down: time.Duration(i*int(d)%3) * time.Second,
				},
			}
		}
		return entries
	}
	a := &archive{month: testMonth}
	for d := range date(days) {
		var err error
		if a, err = a.with(of(d)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("midnight", func(b *testing.B) {
		last := of(days - 1)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := a.with(last); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(a.data))/tenants, "bytes/tenant")
	})
	b.Run("answer", func(b *testing.B) {
		from := testMonth.first().midnight()
		b.ReportAllocs()
		for b.Loop() {
			p := &past{
				HistoryQuery: HistoryQuery{Check: "tenant-home", From: from, To: from.AddDate(0, 1, 0)},
				first:        testMonth.first(), last: testMonth.first() + days - 1, months: map[monthID]*archive{testMonth: a},
			}
			if len(p.totals()) != tenants {
				b.Fatal("tenants are missing")
			}
		}
	})
}
