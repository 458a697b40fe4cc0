package stream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/thorbis/thorbis_exporter/config"
)

// natsWriter connects at the first write, and again after a connection has ended.
type natsWriter struct {
	config *config.NATSSource

	mu   sync.Mutex
	conn *nats.Conn
	js   jetstream.JetStream
}

// NATSWriter returns a writer to a stream of JetStream.
func NATSWriter(c *config.NATSSource) Writer { return &natsWriter{config: c} }

// Partitions implements Writer.
func (n *natsWriter) Partitions(context.Context) (int, error) {
	return max(1, n.config.Partitions), nil
}

// connected returns a connection that is open.
func (n *natsWriter) connected(ctx context.Context) (jetstream.JetStream, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conn != nil && n.conn.IsConnected() {
		return n.js, nil
	}
	if n.conn != nil {
		n.conn.Close()
		n.conn = nil
	}
	options, err := natsOptions(ctx, n.config)
	if err != nil {
		return nil, err
	}
	conn, err := nats.Connect(n.config.URL, options...)
	if err != nil {
		return nil, natsError(err)
	}
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(WriteTime))
	if err != nil {
		conn.Close()
		return nil, err
	}
	n.conn, n.js = conn, js
	return js, nil
}

// Write implements Writer.
func (n *natsWriter) Write(ctx context.Context, all []Outgoing) error {
	ctx, cancel := context.WithTimeout(ctx, WriteTime)
	defer cancel()
	js, err := n.connected(ctx)
	if err != nil {
		return err
	}
	acks := make([]jetstream.PubAckFuture, 0, len(all))
	for _, m := range all {
		out := nats.NewMsg(subjectOf(n.config, m.Partition))
		out.Data = m.Value
		// The stream is named, or another one that has the subject could take it.
		options := []jetstream.PublishOpt{jetstream.WithExpectStream(n.config.Stream)}
		if m.ID != "" {
			options = append(options, jetstream.WithMsgID(m.ID))
		}
		ack, err := js.PublishMsgAsync(out, options...)
		if err != nil {
			return fmt.Errorf("stream %s: %w", n.config.Stream, natsError(err))
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return fmt.Errorf("stream %s: %w", n.config.Stream, natsError(err))
		case <-ctx.Done():
			return fmt.Errorf("stream %s: no acknowledgement within %s", n.config.Stream, WriteTime.Round(time.Second))
		}
	}
	return nil
}

// Close implements Writer.
func (n *natsWriter) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conn != nil {
		n.conn.Close()
		n.conn = nil
	}
}
