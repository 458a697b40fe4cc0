package aggregate

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// cache remembers which slot a key leads to: an open-addressing table over one block of memory. Only keys that led to a
// tenant and are spelled as its own are kept, and it is emptied when it is full, in entries or in bytes.
type cache struct {
	entries []entry // a power of two
	used    int
	text    []byte
	limit   int
}

// cacheBytes bounds the text of all keys.
const cacheBytes = 8 << 20

type entry struct {
	hash uint64 // 0 is none
	at   uint32
	size uint32
	slot uint32
}

var seed = rand.Uint64() | 1

func hashOf(b []byte) uint64 {
	h := seed ^ uint64(len(b))
	if len(b) >= 8 {
		for rest := b; len(rest) > 8; rest = rest[8:] {
			h = mix(h ^ binary.LittleEndian.Uint64(rest))
		}
		return mix(h^binary.LittleEndian.Uint64(b[len(b)-8:])) | 1
	}
	var tail uint64
	for i, c := range b {
		tail |= uint64(c) << (8 * i)
	}
	return mix(h^tail) | 1
}

func mix(x uint64) uint64 {
	high, low := bits.Mul64(x, 0x9e3779b97f4a7c15)
	return high ^ low
}

func newCache(limit int) *cache { return &cache{entries: make([]entry, 64), limit: limit} }

// first is where an entry stands if nothing was there before it.
func (c *cache) first(hash uint64) uint64 { return hash >> 1 & uint64(len(c.entries)-1) }

func (c *cache) find(key []byte, hash uint64) (uint32, bool) {
	mask := uint64(len(c.entries) - 1)
	for i := c.first(hash); ; i = (i + 1) & mask {
		e := &c.entries[i]
		if e.hash == hash && bytes.Equal(c.text[e.at:e.at+e.size], key) {
			return e.slot, true
		}
		if e.hash == 0 {
			return 0, false
		}
	}
}

func (c *cache) put(key []byte, hash uint64, slot uint32) {
	if c.used >= c.limit || len(c.text)+len(key) > cacheBytes {
		c.clear()
	}
	if c.used*2 >= len(c.entries) {
		old := c.entries
		c.entries = make([]entry, 2*len(old))
		for _, e := range old {
			if e.hash != 0 {
				c.place(e)
			}
		}
	}
	c.place(entry{hash, uint32(len(c.text)), uint32(len(key)), slot})
	c.text = append(c.text, key...)
	c.used++
}

func (c *cache) place(e entry) {
	mask := uint64(len(c.entries) - 1)
	i := c.first(e.hash)
	for c.entries[i].hash != 0 {
		i = (i + 1) & mask
	}
	c.entries[i] = e
}

func (c *cache) clear() {
	clear(c.entries)
	c.used, c.text = 0, c.text[:0]
}
