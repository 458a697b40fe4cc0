package source

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// What a line costs: to decode it, and to count it. bench/ measures the whole way.
func BenchmarkLines(b *testing.B) {
	for _, format := range []string{"nginx-json", "combined"} {
		var text bytes.Buffer
		for i := range 20_000 {
			tenant := int(1 / (rand.Float64() + 1e-4))
			if format == "combined" {
				fmt.Fprintf(&text, `203.0.113.7 - - [25/Nov/2026:23:%02d:00 +0000] "GET /api/v1/orders/%d/items?page=1 HTTP/1.1" `+
					`200 %d "https://tenant-%d.thorbis.app/orders" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like `+
					`Gecko) Chrome/140.0.0.0 Safari/537.36" "tenant-%d.thorbis.app" %.3f`+"\n", i/1000, i, i, tenant, tenant,
					rand.ExpFloat64()*0.1)
				continue
			}
			fmt.Fprintf(&text, `{"time":"2026-11-25T23:35:00+00:00","msec":%d.%03d,"remote_addr":"203.0.113.7",`+
				`"host":"tenant-%d.thorbis.app","method":"GET","uri":"/api/v1/orders/%d/items","status":200,"request_time":%.3f,`+
				`"upstream_response_time":"0.054","bytes_sent":%d,"request_id":"%032x","http_referer":"https://`+
				`tenant-%d.thorbis.app/orders","http_user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"}`+"\n",
				time.Now().Unix(), i%1000, tenant, i, rand.ExpFloat64()*0.1, i, i, tenant)
		}
		d, err := decode.New(decode.Options{Format: format})
		if err != nil {
			b.Fatal(err)
		}
		st, err := store.Open(store.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		n := st.Configure(store.Config{
			Limit: 1e6, Thresholds: []uint64{3e8, 1e9}, Sources: []store.SourceConfig{{Name: "log", Service: "web"}},
		})["log"]
		agg := aggregate.NewAggregator(st)
		agg.Begin(&aggregate.CountSource{
			Number: n.Source, Late: time.Hour, Weight: aggregate.Whole, Thresholds: []uint64{3e8, 1e9}, Rule: &aggregate.Rule{
				Service: n.Service, Names: aggregate.NewNames("{tenant}.thorbis.app", "", nil, nil),
			},
		})
		b.Run(format+"/decode", func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			var e decode.Event
			for range b.N {
				for rest := text.Bytes(); len(rest) > 0; {
					i := bytes.IndexByte(rest, '\n')
					if d.Decode(rest[:i], &e) != decode.Counted {
						b.Fatalf("%s", rest[:i])
					}
					rest = rest[i+1:]
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20_000, "ns/line")
		})
		b.Run(format+"/count", func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			l := lines{decoder: d}
			for range b.N {
				l.count(agg, text.Bytes(), false)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20_000, "ns/line")
		})
	}
}
