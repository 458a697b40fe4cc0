package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"math"
	"os"
	"strings"
	"syscall"

	"github.com/klauspost/compress/gzip"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/ledger"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// headSize is how much of a file's beginning tells it from every other: several lines with their times.
const headSize = 1024

var crcTable = crc64.MakeTable(crc64.ECMA)

// identity is a file as the file system knows it.
type identity struct{ device, inode uint64 }

func identify(info os.FileInfo) identity {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return identity{uint64(s.Dev), s.Ino} //nolint:unconvert // signed on darwin
	}
	return identity{}
}

func compressed(path string) bool { return strings.HasSuffix(path, ".gz") }

// head reads what a file begins with, inflated.
func head(path string) ([]byte, error) {
	f, err := regularfile.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return headOf(f, path)
}

// headOf reads what an open file begins with: a path may lead to another one by now.
func headOf(f *os.File, path string) ([]byte, error) {
	var r io.Reader = io.NewSectionReader(f, 0, math.MaxInt64)
	if compressed(path) {
		var err error
		if r, err = gzip.NewReader(bufio.NewReader(r)); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	b := make([]byte, headSize)
	n, err := io.ReadFull(r, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b[:n], nil
}

// matches reports whether a file that begins so is the one of a position. A position that is saved knows at
// least the first line of its file: less would be what every file of a format begins with.
func matches(f *ledger.File, begins []byte) bool {
	return f.HeadSize > 0 && uint64(len(begins)) >= f.HeadSize && crc64.Checksum(begins[:f.HeadSize], crcTable) == f.Head
}

func mark(f *ledger.File, begins []byte) {
	f.HeadSize, f.Head = uint64(len(begins)), crc64.Checksum(begins, crcTable)
}
