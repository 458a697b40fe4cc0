package tenant

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/stream"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// offline opens the saved state of an exporter that does not run.
func offline(t *testing.T, path string, f func(*store.Store)) {
	t.Helper()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(store.Options{Logger: slog.New(slog.DiscardHandler), State: dir, Intact: true})
	if err != nil {
		t.Fatal(err)
	}
	f(st)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
}

// moves moves the partitions of a shard from one saved state to another, as the commands do: by a file.
func moves(t *testing.T, from, to string, shard collectors.Shard) {
	t.Helper()
	var file []byte
	offline(t, from, func(st *store.Store) {
		held := stream.HeldIn(st)
		if len(held) != 1 {
			t.Fatalf("%d streams in %s", len(held), from)
		}
		if err := held[0].Export(st, shard.Owns, false, func(e *stream.Export) (err error) {
			file, err = e.Write()
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
	e, err := stream.ReadExport(file)
	if err != nil {
		t.Fatal(err)
	}
	offline(t, to, func(st *store.Store) {
		if err := e.Import(st); err != nil {
			t.Fatal(err)
		}
	})
}

func (s *streamed) data() string { return filepath.Join(s.dir, "data") }

// reshard counts a stream of four partitions by two shards, then by four, then by two again. send writes that many
// requests into the partitions in turn.
func reshard(t *testing.T, source string, send func(n int)) {
	shard := func(n, of int) collectors.Shard { return collectors.Shard{Number: n, Of: of} }
	var all []*streamed
	for n := range 2 {
		all = append(all, newStreamed(t, source, shard(n, 2)))
	}
	want := 0
	counted := func(n int) {
		t.Helper()
		want += n
		sum := func() (sum int) {
			for _, s := range all {
				sum += s.requests()
			}
			return sum
		}
		testkit.Eventually(t, func() bool { return sum() == want }, "%d requests, not %v", want,
			testkit.Last(func() any { return sum() }))
		for _, s := range all {
			read, foreign := s.running().lag.Partitions()
			testkit.Eventually(t, s.running().status.Up.Load, "shard %s is up", s.shard)
			if foreign != 0 || len(all) == 4 && read > 2 {
				t.Errorf("shard %s reads %d partitions, and not %d of its own", s.shard, read, foreign)
			}
		}
	}
	send(40)
	counted(40)

	for _, s := range all {
		s.stop()
	}
	send(8) // while none counts
	for n := range 2 {
		s := &streamed{t: t, dir: t.TempDir(), source: source, shard: shard(n+2, 4), log: &testkit.Buffer{}}
		all[n].shard = shard(n, 4)
		moves(t, all[n].data(), s.data(), s.shard)
		all = append(all, s)
	}
	for _, s := range all {
		s.start()
	}
	counted(8)
	send(8)
	counted(8)
	before := all[2].requests()
	if before != 4 {
		t.Errorf("the new shard has counted %d, want what came since", before)
	}

	for _, s := range all {
		s.stop()
	}
	send(4)
	for n := range 2 {
		moves(t, all[n+2].data(), all[n].data(), all[n+2].shard)
		all[n].shard = shard(n, 2)
	}
	for _, s := range all {
		s.start()
	}
	send(4)
	counted(8)
	if got := all[2].requests(); got != before {
		t.Errorf("a shard that reads no more shows %d, want %d as before", got, before)
	}
	if read, _ := all[2].running().lag.Partitions(); read != 0 {
		t.Errorf("it reads %d partitions", read)
	}
	for n, want := range []string{`shard="0",source="log"} 2`, `shard="1",source="log"} 2`, "", ""} {
		testkit.Eventually(t, func() bool { // a session has begun
			got := all[n].shards()
			return strings.HasSuffix(got, want) && (want != "" || got == "")
		}, "exporter %d shows %q, want %q", n, testkit.Last(func() any { return all[n].shards() }), want)
	}
}

// shards is the line that says which of how many shards an exporter is.
func (s *streamed) shards() string {
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.c)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, metric.TenantStreamShards.Name+"{") {
			return strings.TrimSuffix(line, "\n")
		}
	}
	return ""
}

func TestReshardKafka(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(4, "requests"))
	reshard(t, c.source(""), func(n int) { c.produce(n, 4) })
}

func TestReshardJetStream(t *testing.T) {
	j := newJetStream(t, jetstream.StreamConfig{})
	reshard(t, j.source(""), func(n int) { j.publish(n, 4) })
}

// Copies of a message are known after its partition has moved to another exporter, and its source got another name.
func TestCopiesAreKnownElsewhere(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(2, "requests"))
	copies := func(id string) {
		t.Helper()
		r := &kgo.Record{
			Value: []byte(request(1)), Headers: []kgo.RecordHeader{{Key: stream.MessageIDHeader, Value: []byte(id)}},
		}
		if err := c.client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := newStreamed(t, c.source(""), collectors.Shard{})
	copies("a")
	s.wants(1)
	s.stop()
	other := &streamed{t: t, dir: t.TempDir(), source: c.source(""), log: &testkit.Buffer{}}
	moves(t, s.data(), other.data(), collectors.Shard{})
	copies("a")
	copies("b")
	other.start()
	other.wants(1)
	renamed := strings.Replace(fmt.Sprintf(streamPolicy, other.source), "name: log", "name: requests", 1)
	if err := collectors.Apply(other.c, policytest.Load(t, other.dir, renamed)); err != nil {
		t.Fatal(err)
	}
	other.logs("Going on at the positions")
	for _, id := range []string{"a", "b", "c"} {
		copies(id)
	}
	other.wants(2)
	ignored := func() uint64 {
		saved, _ := other.c.store.Load().Source(other.running().number)
		return saved.Outcomes[decode.Duplicate]
	}
	testkit.Eventually(t, func() bool { return ignored() == 2 }, "two copies, not %v",
		testkit.Last(func() any { return ignored() }))
	other.wants(2)
}
