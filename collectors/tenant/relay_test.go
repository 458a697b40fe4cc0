package tenant

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const relayPolicy = `version: 1
environment: test
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
tenants:
  host: "{tenant}.example.com"
  sources:
    - receive: json
      app_service: web
      secret_file: secret
      fields: {host: host, status: status, id: id}
      forward: {%s}
`

// newRelay is an exporter that appends what it receives to a stream.
func newRelay(t *testing.T, forward string) *testCollector {
	t.Helper()
	return newTestCollector(t, fmt.Sprintf(relayPolicy, forward), t.TempDir())
}

// relayed is a post of requests of some tenants, each with an id.
func relayed(from, n int) string {
	var lines []string
	for i := from; i < from+n; i++ {
		lines = append(lines, fmt.Sprintf("{\"host\":\"t%d.example.com\",\n \"status\":200,\"id\":\"r%d\"}", i%7, i))
	}
	return strings.Join(lines, "\n")
}

func (o *testCollector) relays(body string, code int) {
	o.t.Helper()
	if resp := o.post("json", body, "Authorization", secret); resp.StatusCode != code {
		o.t.Errorf("code %d, want %d", resp.StatusCode, code)
	}
}

// A post is acknowledged when the engine has it, and counted once however often and wherever it is sent again.
func TestRelayedPostsCountOnce(t *testing.T) {
	j := newJetStream(t, jetstream.StreamConfig{})
	a, b := newRelay(t, j.source("")), newRelay(t, j.source(""))
	counting := newStreamed(t, j.source(""), collectors.Shard{})
	a.relays(relayed(0, 100), http.StatusOK)
	b.relays(relayed(0, 100), http.StatusOK) // the answer was lost, and the balancer chose another
	b.relays("["+strings.ReplaceAll(relayed(100, 50), "}\n", "},\n")+"]", http.StatusOK)
	counting.wants(150)
	for _, relay := range []*testCollector{a, b} {
		relay.wants(0)
	}

	j.server.Kill()
	a.relays(relayed(150, 10), http.StatusServiceUnavailable)
	j.server.Restart()
	testkit.Eventually(t, func() bool { return j.conn.IsConnected() }, "a connection")
	a.relays(relayed(150, 10), http.StatusOK)
	a.relays("broken", http.StatusBadRequest)
	counting.wants(160)

	// Requests without ids may be equal and no copies.
	same := strings.Repeat(`{"host":"t1.example.com","status":200}`+"\n", 3)
	a.relays(same, http.StatusOK)
	a.relays(same, http.StatusOK)
	counting.wants(166)

	// The requests of a tenant are in one partition.
	consumer, err := j.js.OrderedConsumer(t.Context(), "REQUESTS", jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := consumer.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	partitions := map[string]string{}
	for range info.NumPending {
		m, err := consumer.Next()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(m.Data())) {
			_, host, _ := strings.Cut(line, `"host":"`)
			tenant, _, _ := strings.Cut(host, ".")
			if other, ok := partitions[tenant]; ok && other != m.Subject() {
				t.Errorf("%s is in %s and %s", tenant, other, m.Subject())
			}
			partitions[tenant] = m.Subject()
		}
	}
	if len(partitions) != 7 {
		t.Errorf("%d tenants: %v", len(partitions), partitions)
	}
}

// So it is with Kafka, which knows no copies itself.
func TestRelayedToKafka(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(4, "requests"))
	a, b := newRelay(t, c.source("")), newRelay(t, c.source(""))
	counting := newStreamed(t, c.source(""), collectors.Shard{})
	a.relays(relayed(0, 100), http.StatusOK)
	b.relays(relayed(0, 100), http.StatusOK)
	counting.wants(100)
	none := newRelay(t, strings.Replace(c.source(""), "requests", "nothing", 1))
	none.relays(relayed(0, 1), http.StatusServiceUnavailable)
}
