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
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// childShard is the shard of the exporter that the test program is.
const childShard = "THORBIS_TENANT_CHILD_SHARD"

// shardOf is an exporter in a process of its own that counts a shard, or that forwards what it receives.
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

// leave ends it as a rolling restart does.
func (s *shardOf) leave() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Error(err)
	}
	_ = s.cmd.Wait()
	s.cmd = nil
}

func (s *shardOf) client() *http.Client {
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(s.dir, "socket"))
		},
	}}
}

var requestsTotal = regexp.MustCompile(`(?m)^(thorbis_tenant_requests_total\{[^}]*\}) (\d+)$`)

// scrape reads the counters, none of which may step back, and returns their sum; false if the exporter does not answer.
func (s *shardOf) scrape() (sum uint64, ok bool) {
	s.t.Helper()
	answer, err := s.client().Get("http://exporter/metrics/tenants")
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

// fleet is exporters that count the shards of a stream, and such that forward posts to it.
type fleet struct {
	t      *testing.T
	engine engine
	shards []*shardOf
	relays []*shardOf
}

func (f *fleet) exporter(policy string, shard collectors.Shard) *shardOf {
	f.t.Helper()
	dir, err := os.MkdirTemp("", "ts") // a socket's path must be short
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &shardOf{t: f.t, dir: dir, shard: shard, shown: map[string]uint64{}}
	testkit.WriteFile(f.t, filepath.Join(dir, "p.yaml"), policy)
	testkit.WriteFile(f.t, filepath.Join(dir, "secret"), secret)
	f.t.Cleanup(s.kill)
	return s
}

func (f *fleet) shard(n, of int) *shardOf {
	return f.exporter(fmt.Sprintf(streamPolicy, f.engine.source), collectors.Shard{Number: n, Of: of})
}

// reshard doubles the shards, one after the other: the partitions that are of a new one move to it.
func (f *fleet) reshard() {
	of := len(f.shards)
	for n, s := range f.shards[:of] {
		testkit.Eventually(f.t, func() bool {
			sum, _ := s.scrape()
			return sum > 0
		}, "shard %s has counted: only then has it positions", s.shard)
		s.kill()
		s.shard.Of = 2 * of
		other := f.shard(n+of, 2*of)
		moves(f.t, filepath.Join(s.dir, "data"), filepath.Join(other.dir, "data"), other.shard)
		s.start()
		other.start()
		f.shards = append(f.shards, other)
	}
}

// disturb kills exporters, relays and the engine, so many times.
func (f *fleet) disturb(kills int, random *rand.Rand) {
	for range kills {
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond) // any of its instructions may be the last
		all := append(slices.Clip(f.relays), f.shards...)
		if victim := random.IntN(len(all) + 1); victim < len(all) {
			all[victim].kill()
			all[victim].start()
		} else if f.engine.kill != nil {
			f.engine.kill()
		}
		f.shards[random.IntN(len(f.shards))].scrape()
	}
}

// again is how long producers and senders wait after a refusal.
const again = 20 * time.Millisecond

// write writes a message until the engine has acknowledged it: it may be down at that moment.
func (f *fleet) write(partition int, id string, value []byte) {
	for f.engine.write(partition, id, value) != nil && f.t.Context().Err() == nil {
		time.Sleep(again)
	}
}

// produce writes messages of a few requests until ctx ends, each until the engine has acknowledged it. Half of them
// have an id.
func (f *fleet) produce(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		tenant, id := i*i%500, ""
		if i%2 == 0 {
			id = strconv.Itoa(i)
		}
		value := []byte(strings.Repeat(request(tenant)+"\n", 1+i%5))
		f.write(tenant%killPartitions, id, value)
	}
}

// post sends requests with ids to relays until ctx ends, as a vendor behind a balancer does: until one acknowledges
// them, and some once more. It returns how many there are.
func (f *fleet) post(ctx context.Context) (sent uint64) {
	const requests = 30
	for i := 0; ctx.Err() == nil; i++ {
		var body strings.Builder
		for n := range requests {
			fmt.Fprintf(&body, `{"host":"t%d.example.com","status":200,"id":"r%d-%d"}`+"\n", (i+n)*n%200, i, n)
		}
		for try, acknowledged := i, 0; acknowledged < 1+i%2 && f.t.Context().Err() == nil; try++ {
			req, _ := http.NewRequestWithContext(f.t.Context(), http.MethodPost, "http://relay/api/v1/receive/json",
				strings.NewReader(body.String()))
			req.Header.Set("Authorization", secret)
			answer, err := f.relays[try%len(f.relays)].client().Do(req)
			if err == nil {
				_ = answer.Body.Close()
			}
			if err == nil && answer.StatusCode == http.StatusOK {
				acknowledged++
				continue
			}
			time.Sleep(again)
		}
		sent += requests
	}
	return sent
}

// has is how many requests the engine holds, and how many of them came through relays. Copies of a message with an id
// are one; those of one without, which a producer wrote again because it did not know better, are not.
func (f *fleet) has() (all, relayed uint64) {
	seen := map[string]bool{}
	f.engine.each(func(id string, value []byte) {
		if seen[id] {
			return
		}
		seen[id] = id != ""
		n := uint64(bytes.Count(value, []byte("\n")))
		all += n
		if bytes.Contains(value, []byte(`"id":"r`)) {
			relayed += n
		}
	})
	return all, relayed
}

// counted is the sum of what all show, once the last request of each partition is among it.
func (f *fleet) counted() (sum uint64) {
	for p := range killPartitions {
		f.write(p, "", []byte(request(1000+p)+"\n"))
	}
	last := func() (n int) {
		sum = 0
		for _, s := range f.shards {
			one, _ := s.scrape()
			sum += one
			for series, value := range s.shown {
				if value > 0 && len(tenantOf(series)) == len("t1000") { // the others have shorter names
					n++
				}
			}
		}
		return n
	}
	testkit.Within(f.t, time.Minute, func() bool { return last() == killPartitions }, "%v of the last requests",
		testkit.Last(func() any { return last() }))
	return sum
}

func tenantOf(series string) string {
	_, text, _ := strings.Cut(series, `tenant="`)
	name, _, _ := strings.Cut(text, `"`)
	return name
}

// killShards counts a stream by four shards, then by eight, while exporters, relays and the engine are killed and
// restarted: in the end each request is counted once, and no counter ever stepped back.
func killShards(t *testing.T, e engine, kills int) {
	if testing.Short() {
		kills = 8
	}
	f := &fleet{t: t, engine: e}
	for n := range 4 {
		f.shards = append(f.shards, f.shard(n, 4))
	}
	for range 2 {
		f.relays = append(f.relays, f.exporter(fmt.Sprintf(relayPolicy, e.source), collectors.Shard{}))
	}
	for _, s := range append(slices.Clip(f.relays), f.shards...) {
		s.start()
	}
	load, stop := context.WithCancel(t.Context())
	var loading sync.WaitGroup
	var posted uint64
	loading.Go(func() { f.produce(load) })
	loading.Go(func() { posted = f.post(load) })
	random := testkit.Random(t)
	f.disturb(kills/2, random)
	for _, s := range append(slices.Clip(f.relays), f.shards...) {
		s.leave()
		s.start()
	}
	f.reshard()
	f.disturb(kills-kills/2, random)
	stop()
	loading.Wait()
	counted := f.counted()
	all, relayed := f.has()
	if counted != all || posted == 0 || all == 0 {
		t.Errorf("%d requests are counted, %d are in the stream", counted, all)
	}
	if relayed != posted {
		t.Errorf("%d requests came through relays, %d were posted", relayed, posted)
	}
	t.Logf("%d requests, %d of them relayed", all, relayed)
}

func TestKilledShardsCountOnce(t *testing.T) {
	t.Run("jetstream", func(t *testing.T) { killShards(t, jetStreamEngine(t), 50) })
	t.Run("kafka", func(t *testing.T) { killShards(t, kafkaEngine(t), 16) })
}
