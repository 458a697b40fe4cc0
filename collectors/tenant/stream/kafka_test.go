package stream

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/thorbis/thorbis_exporter/config"
)

// An error of a partition comes once. It ends the session when what came with it is counted: else the partition would
// stand still for ever, and nothing would say so.
func TestErrorsOfPartitionsAreKept(t *testing.T) {
	k := &kafka{config: &config.KafkaSource{Topic: "requests"}, next: map[int]int64{0: 5, 1: 7}, end: map[int]int64{}}
	fetched := kgo.Fetches{{Topics: []kgo.FetchTopic{{Topic: "requests", Partitions: []kgo.FetchPartition{
		{Partition: 0, HighWatermark: 6, LastStableOffset: 6, Records: []*kgo.Record{{Offset: 5, Value: []byte("x")}}},
		{Partition: 1, Err: kerr.TopicAuthorizationFailed},
	}}}}}
	b, err := k.batch(fetched, 0)
	if err != nil || len(b.Messages) != 1 || b.Next[0] != 6 {
		t.Errorf("%+v %v", b, err)
	}
	for range 2 {
		if b, err := k.batch(nil, 0); !errors.Is(err, kerr.TopicAuthorizationFailed) || len(b.Messages) > 0 {
			t.Errorf("then %+v %v", b, err)
		}
	}
}
