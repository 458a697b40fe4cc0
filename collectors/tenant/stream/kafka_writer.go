package stream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/thorbis/thorbis_exporter/config"
)

// partitionsAge is for how long the number of partitions is believed: after a topic has got more, tenants move to other
// partitions, and those of a post that is sent again within that time are not known as copies.
const partitionsAge = time.Minute

// kafkaWriter writes with acknowledgements of all replicas, and is idempotent by itself: what the client sends again is
// in the topic once.
type kafkaWriter struct {
	config *config.KafkaTopic
	client *kgo.Client
	admin  *kadm.Client

	mu         sync.Mutex
	partitions int
	at         time.Time
}

// KafkaWriter returns a writer to a topic, which connects when it is first used.
func KafkaWriter(c *config.KafkaTopic) Writer { return &kafkaWriter{config: c} }

// connected returns the client. The caller holds the lock.
func (k *kafkaWriter) connected() error {
	if k.client != nil {
		return nil
	}
	options, err := kafkaOptions(k.config)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RecordDeliveryTimeout(WriteTime), kgo.ProducerBatchMaxBytes(1<<20))...)
	if err != nil {
		return err
	}
	k.client, k.admin = client, kadm.NewClient(client)
	return nil
}

// Partitions implements Writer.
func (k *kafkaWriter) Partitions(ctx context.Context) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.partitions > 0 && time.Since(k.at) < partitionsAge {
		return k.partitions, nil
	}
	if err := k.connected(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, WriteTime)
	defer cancel()
	all, err := k.admin.Metadata(ctx, k.config.Topic)
	if err != nil {
		return 0, kafkaError(err)
	}
	detail := all.Topics[k.config.Topic]
	if detail.Err != nil {
		return 0, fmt.Errorf("topic %s: %w", k.config.Topic, kafkaError(detail.Err))
	}
	if len(detail.Partitions) == 0 {
		return 0, fmt.Errorf("topic %s has no partitions", k.config.Topic)
	}
	k.partitions, k.at = len(detail.Partitions), time.Now()
	return k.partitions, nil
}

// Write implements Writer.
func (k *kafkaWriter) Write(ctx context.Context, all []Outgoing) error {
	ctx, cancel := context.WithTimeout(ctx, WriteTime)
	defer cancel()
	records := make([]*kgo.Record, len(all))
	for i, m := range all {
		records[i] = &kgo.Record{Topic: k.config.Topic, Partition: int32(m.Partition), Value: m.Value}
		if m.ID != "" {
			records[i].Headers = []kgo.RecordHeader{{Key: MessageIDHeader, Value: []byte(m.ID)}}
		}
	}
	k.mu.Lock()
	err := k.connected()
	client := k.client
	k.mu.Unlock()
	if err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("topic %s: %w", k.config.Topic, kafkaError(err))
	}
	return nil
}

// Close implements Writer.
func (k *kafkaWriter) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.client != nil {
		k.client.Close()
		k.client = nil
	}
}
