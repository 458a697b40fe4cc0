package store

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// File is the position in one file of a source. The file is recognised by its first bytes, also after it was moved or
// compressed.
type File struct {
	ID       uint64 // of the file within its source
	Path     string // of the log that it is, or was before it was rotated, where it was last seen
	Device   uint64
	Inode    uint64
	HeadSize uint64 // how many of its first bytes Head is the checksum of
	Head     uint64
	Offset   uint64 // after the last line that is counted, inflated
	EndSize  uint64 // how many of the bytes before Offset End is the checksum of, 0 if that is not known
	End      uint64
	Modified int64 // Unix nanoseconds
	Done     bool  // the file no longer grows
	Gone     bool  // the position is to be removed
	Judged   bool  // not a file: the rotated files of the log Path were judged up to the time Modified
	Stream   bool  // not a file: a partition of a stream, or a stream; package stream says what the others mean then
	Exported bool  // of a partition: another exporter goes on at the position
}

// What a File has beside its numbers, in the record.
const (
	fileDone = 1 << iota
	fileGone
	fileEnd // a checksum of what lies before the offset
	fileJudged
	fileStream
	fileExported
)

// Batch is what was counted of one source since its last record.
type Batch struct {
	Source       int
	Epoch        uint64
	Lines        uint64
	Bytes        uint64
	Outcomes     [decode.Outcomes]uint64
	Probes       [5]uint64
	Refused      [decode.Refusals]uint64
	Newest       int64 // Unix milliseconds of the newest event
	Read         int64 // Unix milliseconds
	Thresholds   []uint64
	Files        []File
	IDs          []uint64
	Accumulators []*Accumulator
}

var errRecord = errors.New("malformed record")

// appendBatch encodes a batch. Small numbers take little room, and most are small.
func appendBatch(b []byte, d *Batch) []byte {
	u := binary.AppendUvarint
	b = append(b, byte(recordBatch))
	b = u(b, uint64(d.Source))
	b = u(b, d.Epoch)
	b = u(b, d.Lines)
	b = u(b, d.Bytes)
	for _, n := range d.Outcomes[1:] {
		b = u(b, n)
	}
	for _, n := range d.Probes {
		b = u(b, n)
	}
	b = u(b, uint64(d.Newest))
	b = u(b, uint64(d.Read))
	b = u(b, uint64(len(d.Thresholds)))
	for _, t := range d.Thresholds {
		b = u(b, t)
	}
	b = u(b, uint64(len(d.Files)))
	for i := range d.Files {
		b = appendFile(b, &d.Files[i])
	}
	b = u(b, uint64(len(d.IDs)))
	for _, id := range d.IDs {
		b = binary.LittleEndian.AppendUint64(b, id)
	}
	b = u(b, uint64(len(d.Accumulators)))
	var scratch Histogram
	for _, c := range d.Accumulators {
		b = c.append(b, len(d.Thresholds), &scratch)
	}
	return d.appendRefused(b)
}

func appendFile(b []byte, f *File) []byte {
	u := binary.AppendUvarint
	b = u(b, f.ID)
	flags := byte(0)
	if f.Done {
		flags |= fileDone
	}
	if f.Gone {
		flags |= fileGone
	}
	if f.EndSize > 0 {
		flags |= fileEnd
	}
	if f.Judged {
		flags |= fileJudged
	}
	if f.Stream {
		flags |= fileStream
	}
	if f.Exported {
		flags |= fileExported
	}
	b = append(b, flags)
	b = u(b, uint64(len(f.Path)))
	b = append(b, f.Path...)
	for _, n := range []uint64{f.Device, f.Inode, f.HeadSize, f.Head, f.Offset, uint64(f.Modified)} {
		b = u(b, n)
	}
	if f.EndSize > 0 {
		b = u(u(b, f.EndSize), f.End)
	}
	return b
}

// What an accumulator has beside its requests.
const (
	hasLate = 1 << (5 + iota)
	hasBytes
	hasDurations
)

func (c *Accumulator) append(b []byte, thresholds int, scratch *Histogram) []byte {
	u := binary.AppendUvarint
	b = u(b, uint64(c.Slot))
	mask, at := byte(0), len(b)
	b = append(b, 0)
	for i, n := range c.Requests {
		if n > 0 {
			mask |= 1 << i
			b = u(b, uint64(n))
		}
	}
	if c.Late != [5]uint32{} {
		mask |= hasLate
		for _, n := range c.Late {
			b = u(b, uint64(n))
		}
	}
	if c.Bytes > 0 {
		mask |= hasBytes
		b = u(b, c.Bytes)
	}
	if c.zero > 0 || c.listed > 0 || c.histogram != nil {
		mask |= hasDurations
		b = c.appendDurations(b, thresholds, scratch)
	}
	b[at] = mask
	return b
}

func (c *Accumulator) appendDurations(b []byte, thresholds int, scratch *Histogram) []byte {
	u := binary.AppendUvarint
	b = u(b, c.Sum/1e9)
	b = u(b, c.Sum%1e9)
	for _, n := range c.Slow[:thresholds] {
		b = u(b, uint64(n))
	}
	b = u(b, uint64(c.zero))
	set, at := uint16(0), len(b)
	b = append(b, 0, 0)
	for i, n := range c.classic {
		if n > 0 {
			set |= 1 << i
			b = u(b, uint64(n))
		}
	}
	binary.LittleEndian.PutUint16(b[at:], set)
	lo, native := c.native(scratch)
	b = append(b, byte(lo), byte(len(native)))
	for _, n := range native {
		if n < 0x80 {
			b = append(b, byte(n))
		} else {
			b = u(b, uint64(n))
		}
	}
	return b
}

// reader reads what append* wrote. After an error it yields zeros.
type reader struct {
	b       []byte
	failed  bool
	noPool  slot      // takes what is of no pool
	nowhere durations // takes what is of a slot without durations
	added   added     // by the last accumulator
}

func (r *reader) uint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		n := r.b[0]
		r.b = r.b[1:]
		return uint64(n)
	}
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count reads a number of things that take at least size bytes each.
func (r *reader) count(size int) int {
	n := r.uint()
	if n > uint64(len(r.b)/size) {
		r.failed, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.failed = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.failed, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) text() string { return string(r.take(r.count(1))) }

func (r *reader) file() File {
	f := File{ID: r.uint()}
	flags := r.byte()
	f.Done, f.Gone = flags&fileDone != 0, flags&fileGone != 0
	f.Judged, f.Stream, f.Exported = flags&fileJudged != 0, flags&fileStream != 0, flags&fileExported != 0
	f.Path = r.text()
	f.Device, f.Inode, f.HeadSize, f.Head, f.Offset = r.uint(), r.uint(), r.uint(), r.uint(), r.uint()
	f.Modified = int64(r.uint())
	if flags&fileEnd != 0 {
		f.EndSize, f.End = r.uint(), r.uint()
	}
	return f
}

// accumulator adds an accumulator to a slot and to its pool, which may be nil. columns maps the record's thresholds to
// those of both, -1 for one that is no more.
func (r *reader) accumulator(s, pool *slot, columns []int) {
	if pool == nil {
		pool = &r.noPool
	}
	mask := r.byte()
	r.added = added{}
	for set := mask & 0x1f; set != 0; set &= set - 1 {
		class, n := bits.TrailingZeros8(set), r.uint()
		s.requests[class] += n
		pool.requests[class] += n
		r.added.requests += n
		if class == 4 {
			r.added.failed = n
		}
	}
	if mask&hasLate != 0 {
		for i := range s.late {
			n := r.uint()
			s.late[i] += n
			pool.late[i] += n
		}
	}
	if mask&hasBytes != 0 {
		n := r.uint()
		s.bytes += n
		pool.bytes += n
	}
	if mask&hasDurations != 0 {
		r.durations(s, pool, columns)
	}
}
