package state

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
)

// A segment begins with its magic, its own number, the sequence number of its first record and a CRC-32C over these. As
// the length of a record, which is what the first format begins with, the magic would be larger than MaxRecord.
const (
	segmentMagic  = "THLOG\x00\x00\x02"
	segmentHeader = len(segmentMagic) + 8 + 8 + 4
)

// A record is its length, its sequence number, a CRC-32C over both and the payload, and the payload. The numbers grow
// by one from record to record and go on in the next segment, so that a piece of a log that is repeated, left out or
// taken from another log is noticed.
const frameHeader = 4 + 8 + 4

// legacyHeader is the length and the checksum of a record in the first format, which had neither a header nor numbers.
const legacyHeader = 4 + 4

// MaxRecord bounds the payload of a record.
const MaxRecord = 256 << 20

func appendSegmentHeader(b []byte, number, first uint64) []byte {
	start := len(b)
	b = append(b, segmentMagic...)
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint64(b, first)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func appendFrame(b []byte, sequence uint64, payload []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint64(b, sequence)
	sum := crc32.Update(crc32.Checksum(b[start:], castagnoli), castagnoli, payload)
	return append(binary.LittleEndian.AppendUint32(b, sum), payload...)
}

// segmentEnd is where the whole records of a segment end.
type segmentEnd struct {
	legacy bool
	at     int64  // 0 without a header that is whole
	next   uint64 // the sequence number of the record that would follow; 0 if it is not known
	rest   int64  // bytes behind it
	err    error  // why they are no record of this log
}

// place is where a segment belongs in its log.
type place struct {
	number  uint64
	next    uint64 // the sequence number that it must begin with, 0 for any
	durable int64  // how much of it was known to be durable
	last    bool   // no other segment follows
}

// replaySegment replays the whole records of a segment. An error is one of the file system or of replay, or ErrCorrupt.
func replaySegment(path string, at place, replay func([]byte) error) (segmentEnd, error) {
	f, err := os.Open(path)
	if err != nil {
		return segmentEnd{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return segmentEnd{}, err
	}
	s := &segmentReader{r: bufio.NewReaderSize(f, 1<<20), size: info.Size()}
	end := segmentEnd{next: at.next}
	if begins, err := s.r.Peek(len(segmentMagic)); err == nil && string(begins) != segmentMagic &&
		binary.LittleEndian.Uint32(begins) <= MaxRecord {
		end.legacy = true
		if s.size, err = legacyEnd(f, s.size, at); err != nil {
			return end, err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return end, err
		}
		s.r.Reset(f)
	} else if end.next, end.err = s.header(at.number, at.next); end.err == nil {
		end.at = int64(segmentHeader)
	} else {
		end.next = at.next
	}
	for end.err == nil {
		if end.legacy && end.at == s.size && s.size < info.Size() {
			end.err = errRepeated
			break
		}
		payload, size, err := s.record(end)
		if errors.Is(err, io.EOF) {
			break
		}
		if end.err = err; err != nil {
			break
		}
		if err := replay(payload); err != nil {
			return end, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		end.at += size
		if !end.legacy {
			end.next++
		}
	}
	if end.rest = info.Size() - end.at; end.rest == 0 {
		end.err = nil
	}
	return end, nil
}

type segmentReader struct {
	r       *bufio.Reader
	size    int64
	head    [frameHeader]byte
	payload []byte
}

// header returns the sequence number of the segment's first record.
func (s *segmentReader) header(number, next uint64) (uint64, error) {
	b := make([]byte, segmentHeader)
	if _, err := io.ReadFull(s.r, b); err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	first := binary.LittleEndian.Uint64(b[len(segmentMagic)+8:])
	switch {
	case string(appendSegmentHeader(nil, number, first)) != string(b):
		return 0, errors.New("wrong header")
	case first == 0 || next > 0 && first != next:
		return 0, fmt.Errorf("it begins with record %d, want %d", first, next)
	}
	return first, nil
}

// record returns the record at an end and how many bytes it takes, io.EOF if there is nothing more. The payload is
// overwritten by the next one.
func (s *segmentReader) record(at segmentEnd) (payload []byte, size int64, err error) {
	head := s.head[:]
	if at.legacy {
		head = head[:legacyHeader]
	}
	if _, err := io.ReadFull(s.r, head); err != nil {
		return nil, 0, err
	}
	n := int64(binary.LittleEndian.Uint32(head))
	size = int64(len(head)) + n
	if n > MaxRecord || at.at+size > s.size {
		return nil, 0, io.ErrUnexpectedEOF
	}
	s.payload = slices.Grow(s.payload[:0], int(n))[:n]
	if _, err := io.ReadFull(s.r, s.payload); err != nil {
		return nil, 0, io.ErrUnexpectedEOF
	}
	covered := head[:len(head)-4]
	if crc32.Update(crc32.Checksum(covered, castagnoli), castagnoli,
		s.payload) != binary.LittleEndian.Uint32(head[len(covered):]) {
		return nil, 0, errors.New("wrong checksum")
	}
	if !at.legacy {
		if sequence := binary.LittleEndian.Uint64(head[4:]); sequence != at.next {
			return nil, 0, fmt.Errorf("record %d follows, want %d", sequence, at.next)
		}
	}
	return s.payload, size, nil
}
