package storage

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/supabase"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func TestSmallerOfDiskAndMachine(t *testing.T) {
	const mib = 1 << 20
	micro := &config.ComputeSize{IOPS: 500, Throughput: 11e6, BurstIOPS: 11_800, BurstThroughput: 261e6}
	huge := &config.ComputeSize{IOPS: 120_000, Throughput: 3750e6}
	for name, tc := range map[string]struct {
		disk    supabase.Disk
		machine *config.ComputeSize
		want    limit
	}{
		"small machine": {supabase.Disk{IOPS: 3000, ThroughputMiB: 125}, micro, limit{500, 11e6, 3000, 125 * mib}},
		"small disk":    {supabase.Disk{IOPS: 3000, ThroughputMiB: 125}, huge, limit{3000, 125 * mib, 0, 0}},
		"big disk, small machine": {
			supabase.Disk{IOPS: 16_000, ThroughputMiB: 1000}, micro, limit{500, 11e6, 11_800, 261e6},
		},
		"io2 has no throughput of its own": {supabase.Disk{IOPS: 16_000}, huge, limit{16_000, 3750e6, 0, 0}},
		"unknown machine": {
			supabase.Disk{IOPS: 3000, ThroughputMiB: 125},
			nil,
			limit{3000, 125 * mib, 0, 0},
		},
		"disk as small as the machine": {supabase.Disk{IOPS: 500, ThroughputMiB: 10}, micro, limit{500, 10 * mib, 0, 0}},
	} {
		if got := smaller(tc.disk, tc.machine); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

// A limit once read stays when the API fails, goes when the project leaves the policy, and every failure
// is reported and counted.
func TestLimitsFromSupabase(t *testing.T) {
	const project = "abcdefghijklmnopqrst"
	var broken atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprint(w, `{"attributes":{"type":"gp3","iops":3000,"size_gb":8,"throughput_mibps":125}}`)
	}))
	defer server.Close()
	t.Setenv("STORAGE_TEST_TOKEN", "sbp_x")
	d := newDisks(slog.New(slog.DiscardHandler), "test")
	settings := config.SupabaseDisks{
		URL: server.URL, TokenEnv: "STORAGE_TEST_TOKEN", Interval: config.Duration(time.Hour),
		Projects:     []*config.SupabaseProject{{Ref: project, Device: "nvme1n1", Compute: "micro"}},
		ComputeSizes: map[string]*config.ComputeSize{"micro": {IOPS: 500, Throughput: 11e6}},
	}
	use := func(s config.SupabaseDisks) {
		t.Helper()
		client, err := d.client(s)
		if err != nil {
			t.Fatal(err)
		}
		d.apply(s, client)
	}
	use(settings)
	ctx, cancel := context.WithCancel(t.Context())
	var failures atomic.Int32
	changed := make(chan struct{}, 1)
	group := collectors.NewGroup(ctx, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
		if err != nil {
			failures.Add(1)
		}
	})
	group.Go("all", func(ctx context.Context) error {
		group.Each(ctx, changed, func(g *collectors.Group) { g.Poll(d.poll()) })
		return nil
	})
	at := place{project, "nvme1n1"}
	testkit.Eventually(t, func() bool { return d.limits()[at] == limit{iops: 500, throughput: 11e6} },
		"the limit of the plan: it is %+v", testkit.Last(func() any { return d.limits()[at] }))

	broken.Store(true)
	settings.ComputeSizes = nil
	use(settings)
	changed <- struct{}{} // asks again
	testkit.Eventually(t, func() bool { return failures.Load() == 1 }, "a question that fails")
	if got := d.limits()[at].iops; got != 3000 {
		t.Errorf("after a failure the limit is %v", got)
	}
	d.mu.Lock()
	if got := d.asked[project]; got[0] < 1 || got[1] != 1 {
		t.Errorf("counted %v", got)
	}
	d.mu.Unlock()

	use(config.SupabaseDisks{})
	if got := d.limits(); len(got) != 0 {
		t.Errorf("limits of nothing: %v", got)
	}
	cancel()
	group.Wait()
}
