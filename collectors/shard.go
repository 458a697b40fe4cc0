package collectors

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Shard is the part of a work that an exporter does: of partitions those whose number leaves the remainder Number when
// it is divided by Of, of what has names those whose hash does. The zero Shard does all of it.
type Shard struct{ Number, Of int }

// MaxShards bounds Shard.Of.
const MaxShards = 4096

// ParseShard reads a shard like 3/8; its number counts from 0, as the ordinals of a StatefulSet do. An empty text is
// the zero Shard.
func ParseShard(text string) (Shard, error) {
	if text == "" {
		return Shard{}, nil
	}
	number, of, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	m, err2 := strconv.Atoi(of)
	if err != nil || err2 != nil || m < 1 || m > MaxShards || n < 0 || n >= m {
		return Shard{}, fmt.Errorf("invalid shard %q: write the number of this one, from 0 on, and of how many, "+
			"such as 0/4 to 3/4", text)
	}
	return Shard{n, m}, nil
}

// Owns reports whether the shard reads a partition.
func (s Shard) Owns(partition int) bool { return s.Of <= 1 || partition%s.Of == s.Number }

// OwnsName reports whether the shard has what a name stands for, by a hash of it.
func (s Shard) OwnsName(name string) bool {
	return s.Of <= 1 || xxhash.Sum64String(name)%uint64(s.Of) == uint64(s.Number)
}

// String is how ParseShard reads it.
func (s Shard) String() string {
	if s.Of <= 1 {
		return "0/1"
	}
	return fmt.Sprintf("%d/%d", s.Number, s.Of)
}

// Set implements flag.Value.
func (s *Shard) Set(text string) (err error) {
	*s, err = ParseShard(text)
	return err
}
