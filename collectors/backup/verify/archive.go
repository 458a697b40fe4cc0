package verify

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// consume reads a file to its end.
func consume(ctx context.Context, path string, w io.Writer, v *verification) error {
	f, err := v.files.open(ctx, path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, &counted{ctx: ctx, r: f, v: v})
	return err
}

// counted counts the bytes that are read, and ends with its context.
type counted struct {
	ctx      context.Context // Read has no context argument
	r        io.Reader
	v        *verification
	reported time.Time
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.v.Read(int64(n))
	if c.reported.IsZero() {
		c.reported = time.Now()
	}
	if time.Since(c.reported) > 10*time.Second {
		c.reported = time.Now()
		c.v.Say("%d MiB read", *c.v.ReadBytes>>20)
	}
	return n, err
}

// readArchive reads a file in the format that its name's ending stands for. A file that decompresses to its end has
// passed the checksums of gzip and zstd.
func readArchive(ctx context.Context, path string, v *verification) error {
	f, err := v.files.open(ctx, path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return errEmpty
	}
	r, name, err := decompress(&counted{ctx: ctx, r: f, v: v}, filepath.Base(path))
	if err != nil {
		return err
	}
	defer r.Close()
	if strings.HasSuffix(name, ".tar") {
		if err := readTar(r); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	return v.pgRestoreRead(ctx, path)
}

var (
	errEmpty    = errors.New("it is empty")
	archiveName = regexp.MustCompile(`\.(gz|tgz|zst|tar|dump)$`)
)

// decompress reads a file by the ending of its name, and returns the name without the ending of the compression.
func decompress(r io.Reader, name string) (io.ReadCloser, string, error) {
	r = bufio.NewReaderSize(r, 1<<20)
	switch {
	case strings.HasSuffix(name, ".gz"), strings.HasSuffix(name, ".tgz"):
		z, err := gzip.NewReader(r)
		return z, strings.TrimSuffix(strings.Replace(name, ".tgz", ".tar", 1), ".gz"), err
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, name, err
		}
		return z.IOReadCloser(), strings.TrimSuffix(name, ".zst"), nil
	}
	return io.NopCloser(r), name, nil
}

func readTar(r io.Reader) error {
	t := tar.NewReader(r)
	entries := 0
	for {
		_, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("as a tar archive: %w", err)
		}
		entries++
	}
	if entries == 0 {
		return errors.New("the tar archive holds nothing")
	}
	return nil
}
