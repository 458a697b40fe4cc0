package tenant

import (
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// byHeader checks who requests are counted for whose hosts are those of t1, t2 and t3: of two in a message with the
// header acme, of one without a header, and of one whose header names no tenant.
func byHeader(t *testing.T, source string) {
	t.Helper()
	s := newStreamed(t, source+", tenant_header: x-tenant", collectors.Shard{})
	s.wants(4)
	counted := map[string]uint64{}
	testkit.Eventually(t, func() bool {
		clear(counted)
		_ = s.c.Store().View().Each(func(series *store.Series) {
			for _, n := range series.Requests {
				counted[series.Tenant] += n
			}
		}, func() error { return nil })
		return maps.Equal(counted, map[string]uint64{"acme": 2, metric.TenantUnknown: 2, metric.TenantOther: 0})
	}, "two of acme and two unknown, not %v", testkit.Last(func() any { return counted }))
}

func TestTenantOfAKafkaHeader(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(1, "requests"))
	acme := []kgo.RecordHeader{{Key: "other", Value: []byte("zenith")}, {Key: "x-tenant", Value: []byte("acme")}}
	for _, r := range []*kgo.Record{
		{Value: []byte(request(1) + "\n" + request(2)), Headers: acme},
		{Value: []byte(request(3))},
		{Value: []byte(request(1)), Headers: []kgo.RecordHeader{{Key: "x-tenant", Value: []byte("no name!")}}},
	} {
		if err := c.client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	byHeader(t, c.source(""))
}

func TestTenantOfAJetStreamHeader(t *testing.T) {
	j := newJetStream(t, jetstream.StreamConfig{})
	for _, m := range []struct{ body, header string }{
		{request(1) + "\n" + request(2), "acme"}, {request(3), ""}, {request(1), strings.Repeat("x", 100)},
	} {
		message := nats.NewMsg("requests.0")
		message.Data = []byte(m.body)
		if m.header != "" {
			message.Header.Set("x-tenant", m.header)
		}
		if _, err := j.js.PublishMsg(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
	byHeader(t, j.source(""))
}
