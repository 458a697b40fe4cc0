package tenant

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/stream"
	"github.com/thorbis/thorbis_exporter/internal/natstest"
)

// engine is a log engine of 64 partitions.
type engine struct {
	source string // of the policy
	// write writes a message, and returns an error while it is not acknowledged.
	write func(partition int, id string, value []byte) error
	// each reads all messages.
	each func(f func(id string, value []byte))
	kill func() // and starts it again; nil if it cannot be killed
}

const killPartitions = 64

func jetStreamEngine(t *testing.T) engine {
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
	return engine{
		source: fmt.Sprintf("nats: {stream: REQUESTS, subject: requests, partitions: %d, url: %s}", killPartitions,
			server.URL()),
		write: func(partition int, id string, value []byte) error {
			m := nats.NewMsg(fmt.Sprintf("requests.%d", partition))
			m.Data = value
			if id != "" {
				m.Header.Set(jetstream.MsgIDHeader, id)
			}
			_, err := js.PublishMsg(t.Context(), m)
			return err
		},
		each: func(f func(string, []byte)) {
			consumer, err := js.OrderedConsumer(t.Context(), "REQUESTS", jetstream.OrderedConsumerConfig{})
			if err != nil {
				t.Fatal(err)
			}
			info, err := consumer.Info(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range info.NumPending {
				m, err := consumer.Next()
				if err != nil {
					t.Fatal(err)
				}
				f(m.Headers().Get(jetstream.MsgIDHeader), m.Data())
			}
		},
		kill: func() {
			server.Kill()
			server.Restart()
		},
	}
}

// kafkaEngine is a cluster in this process, which is not killed.
func kafkaEngine(t *testing.T) engine {
	c := newCluster(t, kfake.SeedTopics(killPartitions, "requests"))
	return engine{
		source: c.source(""),
		write: func(partition int, id string, value []byte) error {
			r := &kgo.Record{Partition: int32(partition), Value: value}
			if id != "" {
				r.Headers = []kgo.RecordHeader{{Key: stream.MessageIDHeader, Value: []byte(id)}}
			}
			return c.client.ProduceSync(t.Context(), r).FirstErr()
		},
		each: func(f func(string, []byte)) {
			reader, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("requests"))
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			ends, err := c.admin.ListEndOffsets(t.Context(), "requests")
			if err != nil {
				t.Fatal(err)
			}
			left := int64(0)
			for p := range killPartitions {
				end, _ := ends.Lookup("requests", int32(p))
				left += end.Offset
			}
			for left > 0 {
				fetched := reader.PollFetches(t.Context())
				if err := fetched.Err(); err != nil {
					t.Fatal(err)
				}
				fetched.EachRecord(func(r *kgo.Record) {
					left--
					id := ""
					for _, h := range r.Headers {
						if h.Key == stream.MessageIDHeader {
							id = string(h.Value)
						}
					}
					f(id, r.Value)
				})
			}
		},
	}
}
