package tenant

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/stream"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

const streamPolicy = `version: 1
environment: test
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
tenants:
  host: "{tenant}.example.com"
  sources: [{name: log, format: nginx-json, app_service: web, %s}]
`

// streamed is an exporter that reads a stream, with a state that outlives it.
type streamed struct {
	t      *testing.T
	dir    string
	source string
	shard  collectors.Shard
	c      *Collector
	log    *testkit.Buffer
	stop   func()
}

func newStreamed(t *testing.T, source string, shard collectors.Shard) *streamed {
	s := &streamed{t: t, dir: t.TempDir(), source: source, shard: shard, log: &testkit.Buffer{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.log.String())
			var page bytes.Buffer
			_ = s.c.Write(&page)
			t.Log(page.String())
		}
	})
	s.start()
	return s
}

func (s *streamed) start() {
	s.t.Helper()
	sd, err := state.Open(filepath.Join(s.dir, "data"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.c = New(Options{Logger: slog.New(slog.NewTextHandler(s.log, nil)), State: sd, Shard: s.shard, Immediate: true})
	s.c.pace = stream.Pace{Poll: 200 * time.Millisecond, Look: time.Second, Retry: 100 * time.Millisecond}
	if err := collectors.Apply(s.c, policytest.Load(s.t, s.dir, fmt.Sprintf(streamPolicy, s.source))); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- collectors.Run(ctx, s.c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
	}()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
		if err := s.c.Close(); err != nil {
			s.t.Error(err)
		}
		if err := sd.Close(); err != nil {
			s.t.Error(err)
		}
	}
	s.t.Cleanup(s.stop)
}

func (s *streamed) restart() {
	s.t.Helper()
	s.stop()
	s.start()
}

var tenantRequests = regexp.MustCompile(`(?m)^thorbis_tenant_requests_total\{[^}]*\} (\d+)$`)

// requests is how many requests are counted of the service.
func (s *streamed) requests() (n int) {
	var page bytes.Buffer
	if err := s.c.Write(&page); err != nil {
		return -1
	}
	for _, m := range tenantRequests.FindAllStringSubmatch(page.String(), -1) {
		one, _ := strconv.Atoi(m[1])
		n += one
	}
	return n
}

func (s *streamed) wants(n int) {
	s.t.Helper()
	testkit.Eventually(s.t, func() bool { return s.requests() == n }, "%d requests, not %v", n, testkit.Last(func() any {
		return s.requests()
	}))
}

// position is where a partition goes on, as it is saved.
func (s *streamed) position(path string) uint64 {
	for _, f := range s.c.store.Load().Files(s.running().number) {
		if f.Path == path {
			return f.Offset
		}
	}
	return 0
}

func (s *streamed) running() *running { return s.c.current.Load().sources[0] }

// logs waits for a line of the log.
func (s *streamed) logs(text string) {
	s.t.Helper()
	testkit.Eventually(s.t, func() bool { return strings.Contains(s.log.String(), text) }, "the log says %q", text)
}

func request(tenant int) string {
	return fmt.Sprintf(`{"host":"t%d.example.com","status":200,"request_time":0.01}`, tenant)
}

// cluster is a Kafka cluster in this process.
type cluster struct {
	*kfake.Cluster
	t      *testing.T
	client *kgo.Client
	admin  *kadm.Client
}

func newCluster(t *testing.T, options ...kfake.Opt) *cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("requests"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &cluster{c, t, client, kadm.NewClient(client)}
}

func (c *cluster) source(more string) string {
	return "kafka: {topic: requests, brokers: [" + strings.Join(c.ListenAddrs(), ", ") + "]" + more + "}"
}

// produce writes a request of each of so many tenants, into the partitions in turn.
func (c *cluster) produce(n, partitions int) {
	c.t.Helper()
	for i := range n {
		r := &kgo.Record{Value: []byte(request(i)), Partition: int32(i % partitions)}
		if err := c.client.ProduceSync(c.t.Context(), r).FirstErr(); err != nil {
			c.t.Fatal(err)
		}
	}
}

// Each record is counted once by one of the shards, whenever an exporter ends, and new partitions from their beginning.
func TestKafkaIsCountedOnce(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(4, "requests"))
	c.produce(40, 4)
	all := newStreamed(t, c.source(", group: lag"), collectors.Shard{})
	odd := newStreamed(t, c.source(""), collectors.Shard{Number: 1, Of: 2})
	all.wants(40)
	odd.wants(20)
	c.produce(10, 2)
	all.wants(50)
	odd.wants(25)
	all.restart()
	odd.stop()
	all.wants(50)
	c.produce(3, 2) // while one is away
	odd.start()
	all.wants(53)
	odd.wants(26)

	if _, err := c.admin.CreatePartitions(t.Context(), 2, "requests"); err != nil {
		t.Fatal(err)
	}
	c.client.ForceMetadataRefresh()
	testkit.Eventually(t, func() bool {
		return c.client.ProduceSync(t.Context(), &kgo.Record{Value: []byte(request(0)), Partition: 4}).FirstErr() == nil
	}, "a record in a new partition")
	c.produce(5, 5)
	all.wants(59)
	odd.wants(28)
	if read, foreign := all.running().lag.Partitions(); read != 6 || foreign != 0 {
		t.Errorf("%d partitions are read, %d not", read, foreign)
	}
	testkit.Eventually(t, func() bool { return all.running().lag.Behind() == 0 }, "nothing left to read")
	testkit.Eventually(t, func() bool {
		offsets, err := c.admin.FetchOffsets(t.Context(), "lag")
		o, ok := offsets.Lookup("requests", 0)
		return err == nil && ok && o.At > 0
	}, "offsets of the group, for programs that show lag")
}

// A record with several lines, one with a line break at its end, empty ones, and copies of one.
func TestRecordsOfKafka(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(1, "requests"))
	id := []kgo.RecordHeader{{Key: stream.MessageIDHeader, Value: []byte("a")}}
	for _, r := range []*kgo.Record{
		{Value: []byte(request(1) + "\n" + request(2))},
		{Value: []byte(request(3) + "\n")},
		{Value: nil},
		{Value: []byte("broken")},
		{Value: []byte(request(4)), Headers: id},
		{Value: []byte(request(4)), Headers: id},
	} {
		if err := c.client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := newStreamed(t, c.source(""), collectors.Shard{})
	s.wants(4)
	s.restart()
	if err := c.client.ProduceSync(t.Context(), &kgo.Record{Value: []byte(request(4)), Headers: id},
		&kgo.Record{Value: []byte(request(5))}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s.wants(5)
	saved, _ := s.c.store.Load().Source(s.running().number)
	if saved.Outcomes[1] != 1 {
		t.Errorf("outcomes: %v", saved.Outcomes)
	}
}

// A producer whose clock is ahead does not make the stream look counted until then.
func TestRecordsOfTheFuture(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(1, "requests"))
	s := newStreamed(t, c.source(""), collectors.Shard{})
	future := &kgo.Record{Value: []byte(request(1)), Timestamp: time.Now().Add(365 * 24 * time.Hour)}
	if err := c.client.ProduceSync(t.Context(), future).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s.wants(1)
	if lag := s.running().lag.Lag(false, time.Now().Add(time.Minute)); lag < 30*time.Second {
		t.Errorf("when no broker has answered for a minute it is behind by %s", lag)
	}
}

// What Kafka deletes before it is counted is counted as missed, whether the exporter is away meanwhile or just slow.
func TestKafkaDeletesTooEarly(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(1, "requests"))
	c.produce(10, 1)
	s := newStreamed(t, c.source(""), collectors.Shard{})
	s.wants(10)
	s.stop()
	c.produce(10, 1)
	deleted := kadm.Offsets{}
	deleted.AddOffset("requests", 0, 17, -1)
	if _, err := c.admin.DeleteRecords(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.wants(13)
	if got, _ := s.running().lag.Missed(); got != 7 {
		t.Errorf("%d records were missed", got)
	}
	s.logs("messages=7")
	s.restart()
	testkit.Eventually(t, func() bool {
		missed, at := s.running().lag.Missed()
		return missed == 7 && time.Since(time.Unix(0, at)) < time.Hour
	}, "kept across a restart")

	// Another topic of the same name is read from its beginning.
	if _, err := c.admin.DeleteTopics(t.Context(), "requests"); err != nil {
		t.Fatal(err)
	}
	s.logs("create the topic, or correct topic")
	if s.running().status.Up.Load() {
		t.Error("it is up without a topic")
	}
	if _, err := c.admin.CreateTopics(t.Context(), 1, 1, nil, "requests"); err != nil {
		t.Fatal(err)
	}
	c.client.PurgeTopicsFromClient("requests") // it knows the old one
	c.produce(1, 1)
	s.wants(14)
	s.logs("deleted and created anew")
}

// What cannot be read says why, and what to do.
func TestKafkaThatCannotBeRead(t *testing.T) {
	c := newCluster(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "ops", "right-password"),
		kfake.SeedTopics(2, "requests"))
	testkit.WriteFile(t, filepath.Join(t.TempDir(), "x"), "")
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "password"), "wrong-password\n")
	s := newStreamed(t, c.source(", sasl: {mechanism: scram-sha-256, username: ops, password: {file: "+
		filepath.Join(dir, "password")+"}}"), collectors.Shard{})
	s.logs("knows another password")
	if s.running().status.Up.Load() {
		t.Error("it is up with a wrong password")
	}
	testkit.WriteFile(t, filepath.Join(dir, "password"), "right-password\n") // a rotation needs no reload
	testkit.Eventually(t, func() bool { return s.running().status.Up.Load() }, "up with the right password")
	if text := s.log.String(); strings.Contains(text, "-password") {
		t.Errorf("a password is in the log: %s", text)
	}
}

// A stream whose engine has not answered yet is neither up nor down: an alert on it goes on through a restart.
func TestStreamThatIsNotTriedYet(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	s := newStreamed(t, fmt.Sprintf("kafka: {brokers: [%q], topic: requests}", silent.Addr()), collectors.Shard{})
	conn, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	for m, want := range map[*metric.Metric]int{metric.TenantSourceInfo: 1, metric.TenantSourceUp: 0} {
		if n := testutil.CollectAndCount(s.c, m.Name); n != want {
			t.Errorf("%s has %d series before the engine has answered, want %d", m.Name, n, want)
		}
	}
}

// A shard does not begin anew with partitions that another shard has counted.
func TestPartitionsOfAnotherShard(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(4, "requests"))
	c.produce(40, 4)
	s := newStreamed(t, c.source(""), collectors.Shard{Number: 1, Of: 2})
	s.wants(20)
	s.stop()
	s.shard = collectors.Shard{}
	s.start()
	s.logs("go back to the shards as they were")
	c.produce(4, 4)
	s.wants(22)
	if read, foreign := s.running().lag.Partitions(); read != 2 || foreign != 2 || s.running().status.Up.Load() {
		t.Errorf("%d partitions are read, %d not", read, foreign)
	}
}

// A source with another name, or for another service, goes on where the one was that read the stream before.
func TestRenamedSourceGoesOn(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(2, "requests"))
	c.produce(10, 2)
	s := newStreamed(t, c.source(""), collectors.Shard{})
	s.wants(10)
	renamed := strings.Replace(fmt.Sprintf(streamPolicy, s.source), "name: log", "name: requests", 1)
	if err := collectors.Apply(s.c, policytest.Load(t, s.dir, renamed)); err != nil {
		t.Fatal(err)
	}
	c.produce(4, 2)
	s.wants(14)
	s.logs("Going on at the positions")
	s.restart() // back to the old name
	c.produce(2, 2)
	s.wants(16)
}
