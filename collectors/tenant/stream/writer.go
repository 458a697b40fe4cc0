package stream

import (
	"context"
	"time"
)

// Outgoing is a message to be written to a partition of a stream.
type Outgoing struct {
	Partition int
	// ID is by which the engine, or whoever counts, knows copies of the message; empty for none.
	ID    string
	Value []byte
}

// MaxOutgoing bounds a message that is written: NATS' and Kafka's servers refuse more than a megabyte as they come.
const MaxOutgoing = 900 << 10

// Writer writes to a stream. Its methods may be called side by side.
type Writer interface {
	// Partitions returns how many the stream has.
	Partitions(ctx context.Context) (int, error)
	// Write returns without an error when the engine has acknowledged every message. After an error some may be in the
	// stream: whoever writes them again gives them the same ids.
	Write(ctx context.Context, all []Outgoing) error
	Close()
}

// WriteTime bounds a write.
const WriteTime = 10 * time.Second
