package source

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxWindow bounds the memory for one compressed file: it is what zstd --long and xz -9 need.
const maxWindow = 128 << 20

// compression is a way in which rotated logs are compressed. Its magic is what its data begins with; ? is any byte.
type compression struct {
	name, suffix, magic string
	open                func(*bufio.Reader) (io.ReadCloser, error) // nil if it cannot be read
}

var compressions = []*compression{
	{"gzip", ".gz", "\x1f\x8b", func(r *bufio.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }},
	{"bzip2", ".bz2", "BZh?1AY&SY", func(r *bufio.Reader) (io.ReadCloser, error) {
		return io.NopCloser(bzip2.NewReader(r)), nil
	}},
	{"xz", ".xz", "\xfd7zXZ\x00", openXZ},
	{"zstd", ".zst", "\x28\xb5\x2f\xfd", func(r *bufio.Reader) (io.ReadCloser, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}},
	{"lz4", ".lz4", "\x04\x22\x4d\x18", nil},
	{"compress", ".Z", "\x1f\x9d", nil},
	{"lzma", ".lzma", "\x5d\x00\x00??\xff", nil},
	{"lzop", ".lzo", "\x89LZO\x00", nil},
	{"brotli", ".br", "", nil},
	{"zip", ".zip", "PK\x03\x04", nil},
	{"7-zip", ".7z", "7z\xbc\xaf\x27\x1c", nil},
}

// longestMagic is enough to recognise every compression.
const longestMagic = 10

// errUnsupported marks a file that is compressed in a way that cannot be read.
var errUnsupported = errors.New("only gzip, bzip2, xz and zstd can be read: have logs compressed by one of them")

// compressed reports whether a file is one that was compressed, by its name.
func compressed(path string) bool { return byName(path) != nil }

func byName(path string) *compression {
	for _, c := range compressions {
		if strings.HasSuffix(path, c.suffix) {
			return c
		}
	}
	return nil
}

// byMagic finds the compression of data that begins so, nil if it is none.
func byMagic(begins []byte) *compression {
next:
	for _, c := range compressions {
		if c.magic == "" || len(begins) < len(c.magic) {
			continue
		}
		for i := range c.magic {
			if c.magic[i] != '?' && c.magic[i] != begins[i] {
				continue next
			}
		}
		return c
	}
	return nil
}

// compressionOf finds how an open file is compressed, nil if it is not: by what it holds, and by its name if that says
// nothing.
func compressionOf(f *os.File, path string) (*compression, error) {
	begins := make([]byte, longestMagic)
	n, err := f.ReadAt(begins, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if c := byMagic(begins[:n]); c != nil {
		return c, nil
	}
	return byName(path), nil
}

// inflate returns a reader of what was compressed; c is nil for what was not.
func (c *compression) inflate(r io.Reader) (io.ReadCloser, error) {
	if c == nil {
		return io.NopCloser(r), nil
	}
	if c.open == nil {
		return nil, fmt.Errorf("compressed by %s: %w", c.name, errUnsupported)
	}
	b, ok := r.(*bufio.Reader)
	if !ok {
		b = bufio.NewReaderSize(r, 64<<10)
	}
	inflated, err := c.open(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return inflated, nil
}

// Inflate returns a reader of what a stream holds, inflated if it is compressed.
func Inflate(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	begins, _ := b.Peek(longestMagic)
	return byMagic(begins).inflate(b)
}

// openXZ opens xz data whose dictionary is bounded. The library allocates what the header of a block asks for, up to 4
// GiB.
func openXZ(r *bufio.Reader) (io.ReadCloser, error) {
	const streamHeader = 12
	header, err := r.Peek(streamHeader + 32)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if size, ok := dictionary(header[min(streamHeader, len(header)):]); ok && size > maxWindow {
		return nil, fmt.Errorf("a dictionary of %d bytes is too large: compress with xz -9 or less", size)
	}
	x, err := xz.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(x), nil
}

// dictionary reads the size of the dictionary from the header of an xz block whose only filter is LZMA2 (The .xz File
// Format, 3.1 and 5.3.1).
func dictionary(block []byte) (int64, bool) {
	const lzma2, compressedSize, uncompressedSize = 0x21, 0x40, 0x80
	if len(block) < 2 || block[0] == 0 {
		return 0, false // an index: there is no block
	}
	flags, rest := block[1], block[2:]
	for _, size := range []byte{compressedSize, uncompressedSize} {
		if flags&size == 0 {
			continue
		}
		_, n := binary.Uvarint(rest)
		if n <= 0 {
			return 0, false
		}
		rest = rest[n:]
	}
	if len(rest) < 3 || rest[0] != lzma2 || rest[1] != 1 {
		return 0, false
	}
	size, err := lzma.DecodeDictCap(rest[2])
	if err != nil {
		return math.MaxInt64, true
	}
	return size, true
}
