package source

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// Once reads something to its end, compressed or not. progress, if not nil, is told of the bytes read,
// as they lie.
func Once(ctx context.Context, c *Config, name string, r io.Reader, progress func(int)) error {
	if progress != nil {
		r = &counting{r, progress}
	}
	b := bufio.NewReaderSize(r, 64<<10)
	r = b
	if magic, _ := b.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r = z
	}
	s, err := newStream(c, r, &Sampler{})
	if err != nil {
		return err
	}
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

type counting struct {
	io.Reader
	progress func(int)
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.progress(n)
	return n, err
}
