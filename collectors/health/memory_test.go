package health

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A check keeps little in memory: modules and labels are shared between checks. It kept 12 KiB when each had its own
// modules, 15 KiB after a scrape when each series kept its labels, and more than 3 KiB with a histogram of the client
// library.
func TestMemoryOfAChecks(t *testing.T) {
	const n, most = 2000, 5 << 9
	var b strings.Builder
	b.WriteString("  checks:\n")
	for i := range n {
		fmt.Fprintf(&b, "    - {name: check-%04d, app_service: web, target: \"http://127.0.0.1:1\"}\n", i)
	}
	p := policy(t, b.String(), "")
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Version: "test"})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	environment := metric.NewPair(metric.LabelEnvironment, "test")
	for _, f := range c.Families() {
		for range f.Pieces(environment) { //nolint:revive // a scrape leaves nothing behind
		}
	}
	if each := (live() - before) / n; each > most {
		t.Errorf("a check takes %d bytes, want at most %d", each, most)
	}
	runtime.KeepAlive(c)
}
