package receive

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/clientaddr"
)

// decoded is what became of a body's records: how many events there are, of how many records, and the error.
func decoded(t *testing.T, body io.Reader) (events, records int, err error) {
	t.Helper()
	st, err := store.Open(store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	n := st.Configure(store.Config{Limit: 10, Sources: []store.SourceConfig{{Name: "a", Service: "web"}}})["a"]
	agg := aggregate.NewAggregator(st)
	agg.Begin(&aggregate.CountSource{
		Number: n.Source, Weight: aggregate.Whole,
		Rule: &aggregate.Rule{Service: n.Service, Names: aggregate.NewNames("{tenant}.example.com", "", nil, nil)},
	})
	d, err := decode.NewJSON(
		decode.Options{Format: "json", Fields: map[string]string{"host": "h", "status": "s", "id": "i"}})
	if err != nil {
		t.Fatal(err)
	}
	b, w := &batch{}, takeWindow(body)
	defer w.free()
	settle := func() error {
		events += len(b.events)
		b.events, b.ids = b.events[:0], b.ids[:0]
		return nil
	}
	err = b.decode(d, w, func([]byte) error { return b.hold(agg, settle) })
	_ = settle()
	return events, b.records, err
}

// Wherever a body is divided while it is read, its records are the same.
func TestRecordsAreFoundAcrossReads(t *testing.T) {
	record := func(n int) string {
		return fmt.Sprintf(`{"h":"t%d.example.com","s":200,"x":%q}`, n%7, strings.Repeat("y", n))
	}
	var lines, array, pretty []string
	for n := range 900 {
		lines = append(lines, record(n))
		pretty = append(pretty, strings.ReplaceAll(record(n), ",", " ,\n\t"))
	}
	array = lines
	for name, tc := range map[string]struct {
		body            string
		events, records int
		err             error
	}{
		"lines":               {strings.Join(lines, "\n"), 900, 900, nil},
		"array":               {" [ " + strings.Join(array, " ,\r\n ") + " ] \n", 900, 900, nil},
		"over several lines":  {strings.Join(pretty, "\n"), 900, 900, nil},
		"broken lines":        {strings.Join(lines, "\n{\"h\":\n"), 900, 900 + 899, nil},
		"broken array":        {"[" + strings.Join(array, ",") + ",{]", -1, -1, errInvalid},
		"array without end":   {"[" + strings.Join(array, ","), -1, -1, errInvalid},
		"a megabyte":          {record(3) + "\n" + record(1<<20) + "\n" + record(5), 3, 3, nil},
		"too large":           {record(3) + "\n" + record(5<<20) + "\n" + record(5), 2, 3, nil},
		"too large, in array": {"[" + record(3) + "," + record(5<<20) + "]", -1, -1, errInvalid},
		"nothing":             {" \n ", 0, 0, nil},
		"empty array":         {"[ ]", 0, 0, nil},
		"behind an array":     {"[] {}", -1, -1, errInvalid},
	} {
		random := rand.New(rand.NewPCG(1, 2))
		for how, from := range map[string]io.Reader{
			"whole": strings.NewReader(tc.body), "halves": iotest.HalfReader(strings.NewReader(tc.body)),
			"with its end": iotest.DataErrReader(strings.NewReader(tc.body)),
			"random":       &randomReader{strings.NewReader(tc.body), random},
		} {
			events, records, err := decoded(t, from)
			if !errors.Is(err, tc.err) || tc.err == nil && (events != tc.events || records != tc.records) {
				t.Errorf("%s, %s: %d events of %d records, %v; want %d of %d, %v", name, how, events, records, err, tc.events,
					tc.records, tc.err)
			}
		}
	}
	if _, _, err := decoded(
		t, iotest.TimeoutReader(strings.NewReader(strings.Join(lines, "\n"))),
	); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("a body that cannot be read to its end: %v", err)
	}
}

type randomReader struct {
	from   io.Reader
	random *rand.Rand
}

func (r *randomReader) Read(p []byte) (int, error) {
	return r.from.Read(p[:min(len(p), 1+r.random.IntN(5000))])
}

func TestWireHoldsWhatWasSent(t *testing.T) {
	for _, size := range []int{0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 5*chunkBytes + 17} {
		text := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		var seen strings.Builder
		w := &rawBody{}
		p := newPlaces(1, MaxBody, false).enter(&deadlines{}, clientaddr.Prefix(post("192.0.2.1:1")))
		if err := w.fill(&randomReader{strings.NewReader(text), rand.New(rand.NewPCG(1, 2))}, p, &seen); err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(w.reader())
		if string(got) != text || seen.String() != text || len(w.chunks) > size/chunkBytes+1 {
			t.Errorf("%d bytes: %d, %d seen, %d chunks", size, len(got), seen.Len(), len(w.chunks))
		}
		w.free()
	}
}
