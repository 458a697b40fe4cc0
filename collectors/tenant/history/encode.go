package history

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A file is a header, blocks, an index of the blocks and a footer. Entries are sorted by tenant, and those of one
// tenant are in one block, so that a tenant is found by reading the index and one block.
const (
	magic       = "THDAY\x00\x00\x01"
	footerBytes = 8 + 4 + 4 + len(magic) // where the index begins, its length, a CRC-32C over header and index, the magic
	blockBytes  = 16 << 10               // of entries, before compression
)

// Bounds of what is read, against a damaged file.
const (
	maxFile    = 256 << 20
	maxHeader  = 16 << 20
	maxBlock   = 64 << 20
	maxSlow    = 64
	maxEntries = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// block is where entries are in a file.
type block struct {
	first    string // tenant
	at, size uint64
	raw      uint64 // size before compression
	sum      uint32
}

// encode returns a day as a file.
func encode(d *Day) ([]byte, error) {
	entries := slices.Clone(d.Entries) // others may read the day
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Service, b.Service))
	})
	var services []string
	numbers := map[string]uint64{}
	for i := range entries {
		if s := entries[i].Service; numbers[s] == 0 {
			services = append(services, s)
			numbers[s] = uint64(len(services))
		}
	}
	header := appendTexts(nil, string(d.Date), d.Zone)
	header = binary.AppendUvarint(header, uint64(len(d.Thresholds)))
	for _, t := range d.Thresholds {
		header = binary.AppendUvarint(header, t)
	}
	header = appendTexts(binary.AppendUvarint(header, uint64(len(services))), services...)
	out := binary.AppendUvarint([]byte(magic), uint64(len(header)))
	out = append(out, header...)

	compressor, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return nil, fmt.Errorf("compress a day: %w", err)
	}
	defer func() { _ = compressor.Close() }()
	var blocks []block
	var raw []byte
	flush := func(first string) {
		at := uint64(len(out))
		out = compressor.EncodeAll(raw, out)
		size := uint64(len(out)) - at
		blocks = append(blocks, block{first, at, size, uint64(len(raw)), crc32.Checksum(out[at:], castagnoli)})
		raw = raw[:0]
	}
	first := ""
	for i := range entries {
		e := &entries[i]
		if i == 0 || e.Tenant != entries[i-1].Tenant {
			if len(raw) >= blockBytes {
				flush(first)
			}
			if len(raw) == 0 {
				first = e.Tenant
			}
		}
		raw = appendEntry(raw, e, numbers[e.Service]-1, len(d.Thresholds))
	}
	if len(raw) > 0 {
		flush(first)
	}
	return appendIndex(out, header, blocks), nil
}

func appendTexts(b []byte, texts ...string) []byte {
	for _, text := range texts {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return b
}

func appendEntry(b []byte, e *Entry, service uint64, thresholds int) []byte {
	u := binary.AppendUvarint
	b = u(appendTexts(b, e.Tenant), service)
	b = u(u(u(u(u(b, e.Requests), e.Failed), e.Late), e.LateFailed), e.Bytes)
	for i := range thresholds {
		n := uint64(0)
		if i < len(e.Slow) {
			n = e.Slow[i]
		}
		b = u(b, n)
	}
	return b
}

func appendIndex(out, header []byte, blocks []block) []byte {
	at := len(out)
	out = binary.AppendUvarint(out, uint64(len(blocks)))
	for _, block := range blocks {
		out = appendTexts(out, block.first)
		for _, n := range []uint64{block.at, block.size, block.raw, uint64(block.sum)} {
			out = binary.AppendUvarint(out, n)
		}
	}
	sum := crc32.Update(crc32.Checksum(header, castagnoli), castagnoli, out[at:])
	size := len(out) - at
	out = binary.LittleEndian.AppendUint64(out, uint64(at))
	out = binary.LittleEndian.AppendUint32(out, uint32(size))
	out = binary.LittleEndian.AppendUint32(out, sum)
	return append(out, magic...)
}
