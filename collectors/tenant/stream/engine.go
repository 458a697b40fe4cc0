// Package stream reads request logs from the partitions of a log engine: Kafka, or NATS JetStream. A shard of exporters
// owns partitions by their numbers, and each partition's position is saved in the same record as what was counted
// before it: a message is counted exactly once, whenever a process ends. No consumer group decides who reads what, for
// a group hands a partition on together with a position, but without the counters that belong to it.
package stream

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Engine is a client of a log engine. One goroutine calls its methods.
type Engine interface {
	// Layout looks at the stream as it is now.
	Layout(ctx context.Context) (Layout, error)
	// Since returns the position of the first message of a partition that was written after a time.
	Since(ctx context.Context, partition int, at time.Time) (int64, error)
	// Read begins to read partitions, each at the position of the next message.
	Read(ctx context.Context, from map[int]int64) error
	// Poll returns the messages that have come. Without any it waits for one, for so long at most; 0 does not wait.
	Poll(ctx context.Context, wait time.Duration) (Batch, error)
	// Noted notes in the engine up to where messages are counted and saved, for programs that show lag.
	Noted(ctx context.Context, next map[int]int64)
	Close()
}

// Identity is what a stream has that another of the same name, such as one that was deleted and created anew, has not.
// It is zero if the engine does not identify streams.
type Identity [2]uint64

// Layout is what a stream has.
type Layout struct {
	Identity   Identity
	Partitions int
	First      []int64 // by partition: the position of the oldest message that is still kept
	End        []int64 // by partition: the position of the message that comes next
	// Shared reports whether all partitions have the same positions, those of the stream.
	Shared bool
}

// behind is how many messages there are from positions on.
func (l *Layout) behind(from map[int]int64) (n int64) {
	for p, next := range from {
		if l.Shared {
			n = max(n, l.End[p]-next)
		} else {
			n += l.End[p] - next
		}
	}
	return n
}

// Message holds records of a request log.
type Message struct {
	Partition int
	ID        uint64 // by which copies of a message are known, 0 if it has none
	At        time.Time
	Value     []byte // valid until the next Poll
	Tenant    []byte // that its header names; nil if none does
}

// Batch is what was read at a time.
type Batch struct {
	Messages []Message
	// Next is where to go on, by partition, and Behind how many messages of all partitions were left when the engine
	// answered; -1 if it did not say.
	Next   map[int]int64
	Behind int64
	// Missed is how many messages the engine had deleted before they were read: of others than ours too, if it does
	// not know whose they were.
	Missed uint64
	// Lost are partitions of which the engine has lost messages that it had delivered: Next goes back to where it did.
	Lost []int
}

// cure is what to do about an error of an engine.
type cure struct {
	of   error
	text string
}

// withCure adds what to do to an error, where that is known.
func withCure(err error, known []cure) error {
	for _, c := range known {
		if errors.Is(err, c.of) {
			return fmt.Errorf("%w: %s", err, c.text)
		}
	}
	return err
}

func (b *Batch) empty() bool { return len(b.Messages) == 0 && b.Missed == 0 && len(b.Lost) == 0 }
