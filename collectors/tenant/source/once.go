package source

import (
	"context"
	"fmt"
	"io"
)

// Once reads something to its end, compressed or not. progress, if not nil, is called with the number of bytes of each
// read, as they lie.
func Once(ctx context.Context, c *Config, name string, r io.Reader, progress func(int)) error {
	if progress != nil {
		r = &counting{r, progress}
	}
	inflated, err := Inflate(r)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer inflated.Close()
	s, err := newStream(c, inflated, &Sampler{})
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
