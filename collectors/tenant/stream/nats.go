package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/thorbis/thorbis_exporter/config"
)

// Bounds of what has come and is not yet counted.
const (
	natsHeld  = 4096
	natsBytes = 16 << 20
	natsPoll  = 10_000 // messages
)

// natsTimeout bounds connecting, and each question.
const natsTimeout = 10 * time.Second

// jetStream reads a stream of NATS JetStream through an ordered consumer, which the server forgets with it: positions
// are sequence numbers of the stream, and ours alone.
type jetStream struct {
	config   *config.NATSSource
	header   string // that names the tenant, or empty
	conn     *nats.Conn
	stream   jetstream.Stream
	consumer jetstream.Consumer
	consume  jetstream.ConsumeContext
	messages chan jetstream.Msg
	failed   chan error
	from     map[int]int64
	next     int64 // after the last message that came
	consumed string
	come     uint64 // how many messages came of the consumer that consumed names
	missedTo int64  // up to where it is known what the stream deleted before it came
	looked   time.Time
	done     chan struct{}
}

// NATS returns what connects to a server, or to one of a cluster. header is that of messages which names their tenant,
// or empty.
func NATS(c *config.NATSSource, header string) func(context.Context) (Engine, error) {
	return func(ctx context.Context) (Engine, error) {
		options, err := natsOptions(ctx, c)
		if err != nil {
			return nil, err
		}
		n := &jetStream{
			config: c, header: header, messages: make(chan jetstream.Msg, natsHeld), failed: make(chan error, 1),
			done: make(chan struct{}),
		}
		conn, err := nats.Connect(c.URL, append(options, nats.ClosedHandler(func(*nats.Conn) { n.fail(errClosed) }))...)
		if err != nil {
			return nil, natsError(err)
		}
		n.conn = conn
		js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(natsTimeout))
		if err == nil {
			n.stream, err = js.Stream(ctx, c.Stream)
		}
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("stream %s: %w", c.Stream, natsError(err))
		}
		return n, nil
	}
}

var errClosed = errors.New("the server has closed the connection")

func natsOptions(ctx context.Context, c *config.NATSSource) ([]nats.Option, error) {
	// A connection that ends ends the session: the next one asks what the stream has before it goes on.
	options := []nats.Option{nats.Name("thorbis_exporter"), nats.NoReconnect(), nats.Timeout(natsTimeout)}
	if c.TLS != nil {
		conf, err := tlsOf(c.TLS)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.Secure(conf))
	}
	switch {
	case c.Credentials != nil:
		credentials, err := c.Credentials.Read(ctx)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.UserCredentialBytes([]byte(credentials)))
	case c.Token != nil:
		token, err := c.Token.Line(ctx)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.Token(token))
	case c.Password != nil:
		password, err := c.Password.Line(ctx)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.UserInfo(c.Username, password))
	}
	return options, nil
}

// Layout implements Engine.
func (n *jetStream) Layout(ctx context.Context) (Layout, error) {
	info, err := n.stream.Info(ctx)
	if err != nil {
		return Layout{}, fmt.Errorf("stream %s: %w", n.config.Stream, natsError(err))
	}
	partitions := max(1, n.config.Partitions)
	return Layout{
		Identity:   Identity{uint64(info.Created.UnixNano()), 0},
		Partitions: partitions, Shared: true,
		First: slices.Repeat([]int64{int64(max(1, info.State.FirstSeq))}, partitions),
		End:   slices.Repeat([]int64{int64(info.State.LastSeq) + 1}, partitions),
	}, nil
}

// Since implements Engine.
func (n *jetStream) Since(ctx context.Context, _ int, at time.Time) (int64, error) {
	after := at.Add(time.Nanosecond)
	consumer, err := n.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &after, HeadersOnly: true,
	})
	if err != nil {
		return 0, natsError(err)
	}
	info, err := n.stream.Info(ctx)
	if err != nil {
		return 0, natsError(err)
	}
	m, err := consumer.Next(jetstream.FetchMaxWait(time.Second))
	if errors.Is(err, nats.ErrTimeout) {
		return int64(info.State.LastSeq) + 1, nil // as it was before nothing came
	}
	if err != nil {
		return 0, natsError(err)
	}
	meta, err := m.Metadata()
	if err != nil {
		return 0, err
	}
	return int64(meta.Sequence.Stream), nil
}

// Read implements Engine.
func (n *jetStream) Read(ctx context.Context, from map[int]int64) error {
	n.from = maps.Clone(from)
	if len(from) == 0 {
		return nil
	}
	n.next = slices.Min(slices.Collect(maps.Values(from)))
	conf := jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: uint64(n.next),
	}
	for _, p := range slices.Sorted(maps.Keys(from)) {
		if subject := subjectOf(n.config, p); subject != "" {
			conf.FilterSubjects = append(conf.FilterSubjects, subject)
		}
	}
	var err error
	if n.consumer, err = n.stream.OrderedConsumer(ctx, conf); err != nil {
		return fmt.Errorf("stream %s: %w", n.config.Stream, natsError(err))
	}
	// Closed connections and deleted consumers come as errors; the consumer itself repairs what it can.
	n.consume, err = n.consumer.Consume(n.hold, jetstream.PullMaxMessagesWithBytesLimit(natsHeld, natsBytes),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { n.fail(err) }))
	n.looked = time.Now()
	return err
}

// hold keeps a message until it is polled. Where too many are held, the server sends no more.
func (n *jetStream) hold(m jetstream.Msg) {
	select {
	case n.messages <- m:
	case <-n.done:
	}
}

func (n *jetStream) fail(err error) {
	select {
	case n.failed <- err:
	default: // one is enough
	}
}

// subjectOf is the subject of a partition; empty for all of the stream.
func subjectOf(c *config.NATSSource, partition int) string {
	if c.Partitions == 0 {
		return c.Subject
	}
	return c.Subject + "." + strconv.Itoa(partition)
}

func (n *jetStream) partition(subject string) (int, error) {
	if n.config.Partitions == 0 {
		return 0, nil
	}
	p, err := strconv.Atoi(strings.TrimPrefix(subject, n.config.Subject+"."))
	if _, ok := n.from[p]; err != nil || !ok {
		return 0, fmt.Errorf("a message of subject %s: that partition is not read", subject)
	}
	return p, nil
}

// Poll implements Engine.
func (n *jetStream) Poll(ctx context.Context, wait time.Duration) (Batch, error) {
	b := Batch{Behind: -1, Next: map[int]int64{}}
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case m := <-n.messages:
			if err := n.add(&b, m); err != nil {
				return b, err
			}
		case err := <-n.failed:
			return b, natsError(err)
		case <-timer.C:
		case <-ctx.Done():
			return b, ctx.Err()
		}
	}
	for len(b.Messages) < natsPoll {
		select {
		case m := <-n.messages:
			if err := n.add(&b, m); err != nil {
				return b, err
			}
			continue
		default:
		}
		break
	}
	if n.consumer != nil && wait > 0 && (len(b.Messages) == 0 || time.Since(n.looked) > wait) {
		if err := n.look(ctx, &b); err != nil {
			return b, err
		}
	}
	n.advance(&b)
	return b, nil
}

func (n *jetStream) add(b *Batch, m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	p, err := n.partition(m.Subject())
	if err != nil {
		return err
	}
	n.next = int64(meta.Sequence.Stream) + 1
	n.consumed, n.come = meta.Consumer, meta.Sequence.Consumer
	b.Behind = int64(meta.NumPending) + int64(len(n.messages))
	if int64(meta.Sequence.Stream) < n.from[p] {
		return nil // another partition is not as far
	}
	one := Message{Partition: p, At: meta.Timestamp, Value: m.Data()}
	if id := m.Headers().Get(jetstream.MsgIDHeader); id != "" {
		one.ID = xxhash.Sum64String(id) | 1
	}
	if n.header != "" {
		one.Tenant = []byte(m.Headers().Get(n.header))
	}
	b.Messages = append(b.Messages, one)
	return nil
}

// look compares what has come with what the stream has: what was deleted before it came, and how far the stream has
// gone on with messages of others.
func (n *jetStream) look(ctx context.Context, b *Batch) error {
	looking, cancel := context.WithTimeout(ctx, natsTimeout)
	defer cancel()
	info, err := n.stream.Info(looking)
	if err != nil {
		return natsError(err)
	}
	n.looked = time.Now()
	pending, err := n.consumer.Info(looking)
	if err != nil {
		return natsError(err)
	}
	next := max(n.next, int64(pending.Delivered.Stream)+1, n.missedTo)
	if first := int64(info.State.FirstSeq); first > next {
		b.Missed += uint64(first - next) // or as many of others, of partitions that are not ours
		n.missedTo = first
	}
	come := uint64(0) // an ordered consumer is made anew under another name, and counts from 0 again
	if pending.Name == n.consumed {
		come = n.come
	}
	if pending.NumPending == 0 && pending.Delivered.Consumer == come && len(n.messages) == 0 {
		b.Behind = 0
		n.next = max(n.next, int64(info.State.LastSeq)+1)
	}
	return nil
}

// advance moves the positions of all partitions: what comes is in the order of the stream.
func (n *jetStream) advance(b *Batch) {
	for p, from := range n.from {
		b.Next[p] = max(from, n.next)
	}
}

// Noted implements Engine: no consumer of the server has our positions.
func (n *jetStream) Noted(context.Context, map[int]int64) {}

// Close implements Engine.
func (n *jetStream) Close() {
	close(n.done)
	if n.consume != nil {
		n.consume.Stop()
	}
	n.conn.Close()
}

// natsError says what to do about an error.
func natsError(err error) error {
	return withCure(err, []cure{
		{jetstream.ErrStreamNotFound, "create the stream, or correct stream"},
		{jetstream.ErrJetStreamNotEnabled, "switch on JetStream in the server"},
		{jetstream.ErrJetStreamNotEnabledForAccount, "switch on JetStream for the account"},
		{nats.ErrAuthorization, "correct credentials, token, or username and password"},
		{nats.ErrPermissionViolation, "let the user ask for the stream and make consumers of it"},
	})
}
