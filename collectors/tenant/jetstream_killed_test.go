package tenant

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/natstest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// childShard is the shard of the exporter that the test program is.
const childShard = "THORBIS_TENANT_CHILD_SHARD"

// shardOf is an exporter in a process of its own that counts a shard.
type shardOf struct {
	t     *testing.T
	dir   string
	shard collectors.Shard
	cmd   *exec.Cmd
	shown map[string]uint64 // the most that was ever shown of each series
}

func (s *shardOf) start() {
	s.t.Helper()
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), childEnv+"="+s.dir, childShard+"="+s.shard.String())
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shardOf) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

var requestsTotal = regexp.MustCompile(`(?m)^(thorbis_tenant_requests_total\{[^}]*\}) (\d+)$`)

// scrape reads the counters, none of which may step back, and returns their sum; false if the exporter does not answer.
func (s *shardOf) scrape() (sum uint64, ok bool) {
	s.t.Helper()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(s.dir, "socket"))
		},
	}}
	answer, err := client.Get("http://exporter/metrics/tenants")
	if err != nil {
		return 0, false
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, false
	}
	for _, m := range requestsTotal.FindAllSubmatch(page, -1) {
		series := string(m[1])
		n, _ := strconv.ParseUint(string(m[2]), 10, 64)
		if n < s.shown[series] {
			s.t.Errorf("shard %s: %s stepped from %d back to %d", s.shard, series, s.shown[series], n)
		}
		s.shown[series] = n
		sum += n
	}
	return sum, true
}

// Four shards count 64 partitions while exporters and the server are killed again and again: in the end each message is
// counted once, and no counter ever stepped back.
func TestKilledShardsCountOnce(t *testing.T) {
	const shards, partitions = 4, 64
	kills := 50
	if testing.Short() {
		kills = 8
	}
	server := natstest.Start(t, "../..", "")
	conn, err := nats.Connect(server.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "REQUESTS", Subjects: []string{"requests.>"},
	}); err != nil {
		t.Fatal(err)
	}
	all := make([]*shardOf, shards)
	for i := range all {
		dir, err := os.MkdirTemp("", "ts") // a socket's path must be short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		all[i] = &shardOf{
			t: t, dir: dir, shard: collectors.Shard{Number: i, Of: shards}, shown: map[string]uint64{},
		}
		testkit.WriteFile(t, filepath.Join(all[i].dir, "p.yaml"), fmt.Sprintf(streamPolicy,
			fmt.Sprintf("nats: {stream: REQUESTS, subject: requests, partitions: %d, url: %s}", partitions, server.URL())))
		all[i].start()
		t.Cleanup(all[i].kill)
	}

	publishing, stop := context.WithCancel(t.Context())
	published := make(chan struct{})
	go func() {
		publishAll(publishing, js, partitions)
		close(published)
	}()
	random := rand.New(rand.NewPCG(testSeed(t), 0))
	for range kills {
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond) // any of its instructions may be the last
		if victim := random.IntN(shards + 1); victim < shards {
			all[victim].kill()
			all[victim].start()
		} else {
			server.Kill()
			server.Restart()
		}
		all[random.IntN(shards)].scrape()
	}
	stop()
	<-published
	want := streamHas(t, js)
	sum := func() (n uint64) {
		for _, s := range all {
			one, _ := s.scrape()
			n += one
		}
		return n
	}
	// What comes last in each partition is counted last: then nothing more may come.
	for p := range partitions {
		if _, err := js.Publish(t.Context(), fmt.Sprintf("requests.%d", p), []byte(request(1000+p))); err != nil {
			t.Fatal(err)
		}
	}
	last := func() (n int) {
		for _, s := range all {
			if _, ok := s.scrape(); !ok {
				continue
			}
			for p := range partitions {
				for series, value := range s.shown {
					if value > 0 && strings.Contains(series, fmt.Sprintf(`tenant="t%d"`, 1000+p)) {
						n++
					}
				}
			}
		}
		return n
	}
	testkit.Within(t, time.Minute, func() bool { return last() == partitions }, "%v of the last requests",
		testkit.Last(func() any { return last() }))
	if got := sum(); got != want+partitions || want == 0 {
		t.Errorf("%d requests are counted, %d are in the stream", got, want+partitions)
	}
}

// publishAll writes requests until ctx ends, each until the server has acknowledged it. Half of the messages have an
// id.
func publishAll(ctx context.Context, js jetstream.JetStream, partitions int) {
	for i := 0; ctx.Err() == nil; i++ {
		tenant := i * i % 500
		m := nats.NewMsg(fmt.Sprintf("requests.%d", tenant%partitions))
		if i%2 == 0 {
			m.Header.Set(jetstream.MsgIDHeader, strconv.Itoa(i))
		}
		for range 1 + i%5 {
			m.Data = append(m.Data, request(tenant)+"\n"...)
		}
		for {
			if _, err := js.PublishMsg(context.WithoutCancel(ctx), m); err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// streamHas reads the whole stream and returns how many requests it holds: copies of a message with an id are one,
// those of one without, which a producer wrote again because it did not know better, are not.
func streamHas(t *testing.T, js jetstream.JetStream) (n uint64) {
	t.Helper()
	consumer, err := js.OrderedConsumer(t.Context(), "REQUESTS", jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := consumer.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range info.NumPending {
		m, err := consumer.Next()
		if err != nil {
			t.Fatal(err)
		}
		if id := m.Headers().Get(jetstream.MsgIDHeader); id != "" {
			if seen[id] {
				continue
			}
			seen[id] = true
		}
		n += uint64(bytes.Count(m.Data(), []byte("\n")))
	}
	return n
}
