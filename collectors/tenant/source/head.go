package source

import (
	"context"
	"errors"
	"hash/crc64"
	"io"
	"math"
	"os"
	"syscall"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// headSize is how many leading bytes identify a file: several lines with their times.
const headSize = 1024

var crcTable = crc64.MakeTable(crc64.ECMA)

// identity is a file as the file system knows it.
type identity struct{ device, inode uint64 }

func identify(info os.FileInfo) identity {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return identity{uint64(s.Dev), s.Ino} // signed on darwin
	}
	return identity{}
}

// head reads what a file begins with, inflated.
func head(ctx context.Context, path string) ([]byte, error) {
	f, err := regularfile.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	c, err := compressionOf(f, path)
	if err != nil {
		return nil, err
	}
	return headOf(f, c)
}

// headOf reads what an open file begins with: a path may lead to another one by now.
func headOf(f *os.File, c *compression) ([]byte, error) {
	r, err := c.inflate(io.NewSectionReader(f, 0, math.MaxInt64))
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	b := make([]byte, headSize)
	n, err := io.ReadFull(r, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return b[:n], nil
}

// matches reports whether a file that begins so may be the one of a position. A position that is saved knows at
// least the first line of its file: less would be what every file of a format begins with.
func matches(f *store.File, begins []byte) bool {
	return f.HeadSize > 0 && uint64(len(begins)) >= f.HeadSize && checksum(begins[:f.HeadSize]) == f.Head
}

func addHead(f *store.File, begins []byte) {
	f.HeadSize, f.Head = uint64(len(begins)), checksum(begins)
}

func checksum(b []byte) uint64 { return crc64.Checksum(b, crcTable) }

// endSize is how much of what was counted last is compared, beside the beginning, in order to recognise a file: two
// files whose lines have no times may begin alike.
const endSize = 1024

// ending is the last bytes that were counted, endSize at most.
type ending []byte

func (e *ending) add(counted []byte) {
	if n := len(counted); n >= endSize {
		*e = append((*e)[:0], counted[n-endSize:]...)
		return
	}
	if drop := len(*e) + len(counted) - endSize; drop > 0 {
		*e = (*e)[:copy(*e, (*e)[drop:])]
	}
	*e = append(*e, counted...)
}

func (e *ending) note(f *store.File) { f.EndSize, f.End = uint64(len(*e)), checksum(*e) }

// read reads the bytes before a position and reports whether they are those that it knows. So they are if it knows
// none.
func (e *ending) read(f io.ReaderAt, at *store.File) (bool, error) {
	*e = (*e)[:0]
	if at.EndSize == 0 {
		return true, nil
	}
	if at.EndSize > min(endSize, at.Offset) {
		return false, nil // it is not ours
	}
	b := make([]byte, at.EndSize)
	if _, err := f.ReadAt(b, int64(at.Offset-at.EndSize)); errors.Is(err, io.EOF) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	*e = b
	return checksum(b) == at.End, nil
}

// look is what an open file was like at one moment, or between two.
type look struct {
	begins []byte
	size   int64 // unknown, and larger than any, of a compressed file
	packed bool  // it is compressed
}

// same looks at an open file that is not compressed and reports whether it holds what was counted up to a position: it
// is not shorter, begins as it did, and has the same bytes before it.
//
// A log never holds again what it held before it was truncated. Whatever was read of a file before a look at which it
// is the same was therefore read of that content, and what was read before another look may have been of any.
func same(f *os.File, at *store.File) (l look, ok bool, err error) {
	l.begins = make([]byte, headSize)
	n, err := f.ReadAt(l.begins, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return look{}, false, err
	}
	l.begins = l.begins[:n]
	if ok = at.HeadSize == 0 || matches(at, l.begins); ok {
		var e ending
		if ok, err = e.read(f, at); err != nil {
			return look{}, false, err
		}
	}
	info, err := f.Stat()
	if err != nil {
		return look{}, false, err
	}
	l.size = info.Size()
	return l, ok && uint64(l.size) >= at.Offset, nil
}
