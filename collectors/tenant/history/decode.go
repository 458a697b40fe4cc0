package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sort"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// ErrCorrupt means that a file is damaged, cut off or not of a day.
var ErrCorrupt = errors.New("corrupt history file")

// file is a day of which the header and the index are read.
type file struct {
	r          io.ReaderAt
	date, zone string
	thresholds []uint64
	services   []string
	blocks     []block
	scratch    []byte // of the block that was read last
}

// openFile reads the header and the index of a file. Every error but those of the reader is ErrCorrupt.
func openFile(r io.ReaderAt, size int64) (*file, error) {
	if size < int64(len(magic)+footerBytes) || size > maxFile {
		return nil, fmt.Errorf("%w: %d bytes", ErrCorrupt, size)
	}
	footer, err := readAt(r, size-int64(footerBytes), footerBytes)
	if err != nil {
		return nil, err
	}
	at, length := binary.LittleEndian.Uint64(footer), uint64(binary.LittleEndian.Uint32(footer[8:]))
	sum := binary.LittleEndian.Uint32(footer[12:])
	if string(footer[16:]) != magic || at > uint64(size) || at+length+uint64(footerBytes) != uint64(size) {
		return nil, fmt.Errorf("%w: no footer", ErrCorrupt)
	}
	begin, err := readAt(r, 0, min(len(magic)+binary.MaxVarintLen64, int(size)))
	if err != nil {
		return nil, err
	}
	headerSize, n := binary.Uvarint(begin[len(magic):])
	if string(begin[:len(magic)]) != magic || n <= 0 || headerSize > min(maxHeader, at) {
		return nil, fmt.Errorf("%w: no header", ErrCorrupt)
	}
	header, err := readAt(r, int64(len(magic)+n), int(headerSize))
	if err != nil {
		return nil, err
	}
	index, err := readAt(r, int64(at), int(length))
	if err != nil {
		return nil, err
	}
	if crc32.Update(crc32.Checksum(header, castagnoli), castagnoli, index) != sum {
		return nil, fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	f := &file{r: r}
	if !f.parse(header, index, at) {
		return nil, fmt.Errorf("%w: malformed header or index", ErrCorrupt)
	}
	return f, nil
}

func (f *file) parse(header, index []byte, end uint64) bool {
	h := &reader{b: header}
	f.date, f.zone = h.text(), h.text()
	for range h.count(maxSlow) {
		f.thresholds = append(f.thresholds, h.uint())
	}
	for range h.count(len(h.b)) {
		f.services = append(f.services, h.text())
	}
	i := &reader{b: index}
	for range i.count(len(i.b)) {
		b := block{i.text(), i.uint(), i.uint(), i.uint(), uint32(i.uint())}
		if b.at > end || b.size > end-b.at || b.raw > maxBlock {
			return false
		}
		f.blocks = append(f.blocks, b)
	}
	return !h.failed && !i.failed && len(h.b) == 0 && len(i.b) == 0
}

// find returns the entries of a tenant.
func (f *file) find(tenant string) ([]Entry, error) {
	i := sort.Search(len(f.blocks), func(i int) bool { return f.blocks[i].first > tenant }) - 1
	if i < 0 {
		return nil, nil
	}
	return f.read(f.blocks[i], nil, func(name []byte) bool { return string(name) == tenant })
}

// decompressor is made once; it may be used from several goroutines.
var decompressor = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
})

// read appends the entries of a block whose tenants are wanted.
func (f *file) read(b block, all []Entry, wanted func(tenant []byte) bool) ([]Entry, error) {
	compressed, err := readAt(f.r, int64(b.at), int(b.size))
	if err != nil {
		return nil, err
	}
	if crc32.Checksum(compressed, castagnoli) != b.sum {
		return nil, fmt.Errorf("%w: wrong checksum of a block", ErrCorrupt)
	}
	raw, err := decompressor().DecodeAll(compressed, slices.Grow(f.scratch[:0], int(b.raw)))
	f.scratch = raw
	if err != nil || uint64(len(raw)) != b.raw {
		return nil, fmt.Errorf("%w: a block cannot be decompressed", ErrCorrupt)
	}
	var counts []uint64 // of slow requests, one after the other
	for r := (&reader{b: raw}); len(r.b) > 0; {
		tenant, service := r.bytes(), r.uint()
		c := Counts{Requests: r.uint(), Failed: r.uint(), Late: r.uint(), LateFailed: r.uint(), Bytes: r.uint()}
		var slow [maxSlow]uint64
		for i := range f.thresholds {
			slow[i] = r.uint()
		}
		if r.failed || service >= uint64(len(f.services)) || len(all) >= maxEntries {
			return nil, fmt.Errorf("%w: malformed block", ErrCorrupt)
		}
		if wanted(tenant) {
			n := len(counts)
			counts = append(counts, slow[:len(f.thresholds)]...)
			c.Slow = counts[n:len(counts):len(counts)]
			if last := len(all) - 1; last >= 0 && all[last].Tenant == string(tenant) { // of another service
				all = append(all, Entry{f.services[service], all[last].Tenant, c})
				continue
			}
			all = append(all, Entry{f.services[service], string(tenant), c})
		}
	}
	return all, nil
}

func readAt(r io.ReaderAt, at int64, size int) ([]byte, error) {
	b := make([]byte, size)
	if _, err := r.ReadAt(b, at); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: cut off", ErrCorrupt)
		}
		return nil, err
	}
	return b, nil
}

// reader reads what append* wrote. After an error it yields zeros.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count reads a number of things of which there are at most limit.
func (r *reader) count(limit int) int {
	n := r.uint()
	if n > uint64(limit) {
		r.failed, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}
