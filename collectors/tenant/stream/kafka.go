package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/thorbis/thorbis_exporter/config"
)

// MessageIDHeader is the header of a Kafka record by which copies of it are known: a producer that sends a record
// again, because it does not know what became of the first, gives it the same.
const MessageIDHeader = "message-id"

// Bounds of what is fetched and not yet counted.
const (
	kafkaFetch     = 16 << 20 // from a broker
	kafkaPartition = 4 << 20
	kafkaInflated  = 128 << 20 // of one batch
	kafkaPoll      = 10_000    // records
)

// notedEvery is how often the offsets of the group are written, and notedTime how long that may take.
const (
	notedEvery = 10 * time.Second
	notedTime  = 2 * time.Second
)

type kafka struct {
	config *config.KafkaSource
	header string // that names the tenant, or empty
	client *kgo.Client
	admin  *kadm.Client
	logger *slog.Logger
	next   map[int]int64
	end    map[int]int64
	noted  time.Time
	mute   bool // a failure to write the group's offsets was logged
	failed error
	answer answers
}

// answers notes when a broker last answered a fetch: one that has nothing to give and one that is away look alike else.
type answers struct{ at atomic.Int64 }

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (a *answers) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if key == int16(kmsg.Fetch) && e2e.Err() == nil {
		a.at.Store(time.Now().UnixNano())
	}
}

func (a *answers) within(d time.Duration) bool { return time.Since(time.Unix(0, a.at.Load())) < d }

// silentTime is for how long no broker may answer.
const silentTime = 30 * time.Second

// Kafka returns what connects to a cluster. header is that of records which names their tenant, or empty. Secrets are
// read at each connection to a broker.
func Kafka(c *config.KafkaSource, header string, l *slog.Logger) func(context.Context) (Engine, error) {
	return func(context.Context) (Engine, error) {
		options, err := kafkaOptions(c.To())
		if err != nil {
			return nil, err
		}
		options = append(options,
			// What a producer has taken back is not counted.
			kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.FetchMaxBytes(kafkaFetch), kgo.FetchMaxPartitionBytes(kafkaPartition),
			kgo.MaxConcurrentFetches(2), kgo.MaxDecompressBatchBytes(kafkaInflated),
			// An offset that is not there any more is ours to explain.
			kgo.ConsumeResetOffset(kgo.NoResetOffset()),
			kgo.KeepRetryableFetchErrors(),
		)
		k := &kafka{config: c, header: header, logger: l, end: map[int]int64{}}
		client, err := kgo.NewClient(append(options, kgo.WithHooks(&k.answer))...)
		if err != nil {
			return nil, err
		}
		k.client, k.admin = client, kadm.NewClient(client)
		return k, nil
	}
}

// kafkaOptions are those of every client of a cluster.
func kafkaOptions(c *config.KafkaTopic) ([]kgo.Opt, error) {
	options := []kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.ClientID("thorbis_exporter")}
	if c.TLS != nil {
		conf, err := tlsOf(c.TLS)
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.DialTLSConfig(conf))
	}
	if c.SASL != nil {
		options = append(options, kgo.SASL(mechanism(c.SASL)))
	}
	return options, nil
}

func mechanism(c *config.KafkaSASL) sasl.Mechanism {
	password := func(ctx context.Context) (string, error) { return c.Password.Line(ctx) }
	scrammed := func(ctx context.Context) (scram.Auth, error) {
		p, err := password(ctx)
		return scram.Auth{User: c.Username, Pass: p}, err
	}
	switch c.Mechanism {
	case "scram-sha-256":
		return scram.Sha256(scrammed)
	case "scram-sha-512":
		return scram.Sha512(scrammed)
	}
	return plain.Plain(func(ctx context.Context) (plain.Auth, error) {
		p, err := password(ctx)
		return plain.Auth{User: c.Username, Pass: p}, err
	})
}

// Layout implements Engine.
func (k *kafka) Layout(ctx context.Context) (Layout, error) {
	topic := k.config.Topic
	all, err := k.admin.Metadata(ctx, topic)
	if err != nil {
		return Layout{}, kafkaError(err)
	}
	detail := all.Topics[topic]
	if detail.Err != nil {
		return Layout{}, fmt.Errorf("topic %s: %w", topic, kafkaError(detail.Err))
	}
	if len(detail.Partitions) == 0 {
		return Layout{}, fmt.Errorf("topic %s has no partitions", topic)
	}
	l := Layout{
		Identity:   Identity{binary.BigEndian.Uint64(detail.ID[:8]), binary.BigEndian.Uint64(detail.ID[8:])},
		Partitions: len(detail.Partitions),
	}
	if l.First, err = k.offsets(ctx, l.Partitions, k.admin.ListStartOffsets); err != nil {
		return Layout{}, err
	}
	l.End, err = k.offsets(ctx, l.Partitions, k.admin.ListCommittedOffsets)
	return l, err
}

// offsets asks for an offset of each partition.
func (k *kafka) offsets(ctx context.Context, partitions int,
	ask func(context.Context, ...string) (kadm.ListedOffsets, error),
) ([]int64, error) {
	topic := k.config.Topic
	listed, err := ask(ctx, topic)
	if err != nil {
		return nil, kafkaError(err)
	}
	all := make([]int64, partitions)
	for p := range all {
		o, ok := listed.Lookup(topic, int32(p))
		switch {
		case !ok:
			return nil, fmt.Errorf("topic %s: partition %d has no offsets", topic, p)
		case o.Err != nil:
			return nil, fmt.Errorf("topic %s, partition %d: %w", topic, p, kafkaError(o.Err))
		}
		all[p] = o.Offset
	}
	return all, nil
}

// Since implements Engine.
func (k *kafka) Since(ctx context.Context, partition int, at time.Time) (int64, error) {
	listed, err := k.admin.ListOffsetsAfterMilli(ctx, at.UnixMilli()+1, k.config.Topic)
	if err != nil {
		return 0, kafkaError(err)
	}
	o, ok := listed.Lookup(k.config.Topic, int32(partition))
	if !ok || o.Err != nil {
		return 0, fmt.Errorf("topic %s, partition %d: no offset of a time: %w", k.config.Topic, partition, o.Err)
	}
	return o.Offset, nil
}

// Read implements Engine.
func (k *kafka) Read(_ context.Context, from map[int]int64) error {
	offsets := map[int32]kgo.Offset{}
	for p, next := range from {
		offsets[int32(p)] = kgo.NewOffset().At(next)
	}
	k.next = maps.Clone(from)
	k.answer.at.Store(time.Now().UnixNano())
	if len(offsets) > 0 {
		k.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{k.config.Topic: offsets})
	}
	return nil
}

// Poll implements Engine.
func (k *kafka) Poll(ctx context.Context, wait time.Duration) (Batch, error) {
	waiting := context.Context(nil) //nolint:staticcheck // it returns at once then
	if wait > 0 {
		bounded, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		waiting = bounded
	}
	return k.batch(k.client.PollRecords(waiting, kafkaPoll), wait)
}

// batch returns what was fetched. An error of a partition comes once, and nothing more of that partition then: it waits
// until what came with it is counted.
func (k *kafka) batch(fetched kgo.Fetches, wait time.Duration) (Batch, error) {
	if k.failed != nil {
		return Batch{Behind: -1}, k.failed
	}
	b := Batch{Next: map[int]int64{}}
	fetched.EachPartition(func(p kgo.FetchTopicPartition) {
		var lost *kgo.ErrDataLoss
		switch {
		case p.Err == nil, errors.Is(p.Err, context.DeadlineExceeded), errors.Is(p.Err, context.Canceled):
		case errors.As(p.Err, &lost):
			b.Lost = append(b.Lost, int(lost.Partition))
			k.next[int(lost.Partition)] = lost.ResetTo
			b.Next[int(lost.Partition)] = lost.ResetTo
		default:
			k.failed = fmt.Errorf("topic %s, partition %d: %w", k.config.Topic, p.Partition, kafkaError(p.Err))
			return
		}
		if p.Topic == k.config.Topic {
			k.partition(&b, &p.FetchPartition)
		}
	})
	switch {
	case k.failed != nil && len(b.Messages) == 0:
		return b, k.failed
	case len(k.next) == 0:
	case len(b.Messages) == 0 && wait > 0 && !k.answer.within(silentTime):
		return b, fmt.Errorf("topic %s: no broker has answered for %s", k.config.Topic, silentTime)
	case len(b.Messages) == 0 && wait > 0 && k.answer.within(wait):
		// Everything was read, though marks of transactions, which are no records, may lie before the end.
	default:
		for p, next := range k.next {
			b.Behind += max(0, k.end[p]-next)
		}
	}
	return b, nil
}

func (k *kafka) partition(b *Batch, p *kgo.FetchPartition) {
	n := int(p.Partition)
	if p.HighWatermark > 0 {
		k.end[n] = p.LastStableOffset
	}
	for _, r := range p.Records {
		if next := k.next[n]; r.Offset > next && p.LogStartOffset > next {
			b.Missed += uint64(p.LogStartOffset - next)
		}
		m := Message{Partition: n, At: r.Timestamp, Value: r.Value}
		for _, h := range r.Headers {
			switch h.Key {
			case MessageIDHeader:
				m.ID = xxhash.Sum64(h.Value) | 1
			case k.header:
				m.Tenant = h.Value
			}
		}
		b.Messages = append(b.Messages, m)
		k.next[n] = r.Offset + 1
		b.Next[n] = r.Offset + 1
	}
}

// Noted implements Engine.
func (k *kafka) Noted(ctx context.Context, next map[int]int64) {
	if k.config.Group == "" || time.Since(k.noted) < notedEvery {
		return
	}
	k.noted = time.Now()
	ctx, cancel := context.WithTimeout(ctx, notedTime)
	defer cancel()
	offsets := kadm.Offsets{}
	for p, n := range next {
		offsets.AddOffset(k.config.Topic, int32(p), n, -1)
	}
	answer, err := k.admin.CommitOffsets(ctx, k.config.Group, offsets)
	if err == nil {
		err = answer.Error()
	}
	if err != nil && !k.mute {
		k.logger.Warn("The offsets of the group cannot be written: programs that show its lag are wrong; counting is not",
			"group", k.config.Group, "err", kafkaError(err))
	}
	k.mute = err != nil
}

// Close implements Engine.
func (k *kafka) Close() { k.client.Close() }

// kafkaError says what to do about an error.
func kafkaError(err error) error {
	return withCure(err, []cure{
		{kerr.UnknownTopicOrPartition, "create the topic, or correct topic"},
		{kerr.SaslAuthenticationFailed, "correct sasl: the cluster knows no such user, or the password is wrong"},
		{kerr.TopicAuthorizationFailed, "let the user read and describe the topic"},
		{kerr.GroupAuthorizationFailed, "let the user write the offsets of the group, or leave out group"},
		{kerr.UnsupportedSaslMechanism, "correct sasl.mechanism"},
		{io.EOF, "the broker closes the connection: it wants tls, or sasl, or knows another password"},
	})
}
