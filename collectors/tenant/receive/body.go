package receive

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// rawBody is a body as it was sent, in chunks: it takes at most one chunk more memory than it has bytes.
type rawBody struct {
	chunks [][]byte
	size   int
}

const chunkBytes = 64 << 10

var chunks = sync.Pool{New: func() any { b := make([]byte, chunkBytes); return &b }}

// room returns where the next bytes go.
func (b *rawBody) room() []byte {
	if b.size < len(b.chunks)*chunkBytes {
		return b.chunks[len(b.chunks)-1][b.size%chunkBytes:]
	}
	b.chunks = append(b.chunks, *chunks.Get().(*[]byte))
	return b.chunks[len(b.chunks)-1]
}

func (b *rawBody) free() {
	for _, c := range b.chunks {
		chunks.Put(&c)
	}
	*b = rawBody{}
}

func (b *rawBody) reader() io.Reader { return &rawReader{body: b} }

type rawReader struct {
	body *rawBody
	at   int
}

func (r *rawReader) Read(p []byte) (int, error) {
	if r.at >= r.body.size {
		return 0, io.EOF
	}
	from := r.at % chunkBytes
	n := copy(p, r.body.chunks[r.at/chunkBytes][from:min(chunkBytes, from+r.body.size-r.at)])
	r.at += n
	return n, nil
}

// zipped reports whether the body begins as gzip does.
func (b *rawBody) zipped() bool {
	return b.size >= 2 && b.chunks[0][0] == 0x1f && b.chunks[0][1] == 0x8b
}

// fill reads a body while its place allows it, and writes each part of it to seen.
func (b *rawBody) fill(body io.Reader, p *place, seen io.Writer) error {
	for {
		p.expect()
		n, err := body.Read(b.room())
		if n > 0 {
			at := b.size % chunkBytes
			_, _ = seen.Write(b.chunks[len(b.chunks)-1][at : at+n])
			b.size += n
		}
		var tooLarge *http.MaxBytesError
		switch displaced := p.grow(n); {
		case displaced:
			return errOverloaded
		case errors.As(err, &tooLarge):
			return errTooLarge
		case errors.Is(err, io.EOF):
			p.done()
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errSlow
		case err != nil:
			return errInvalid
		}
	}
}

// inflated calls f with the body itself, or with what it inflates to, which is never in memory as a whole. A body that
// begins as gzip does is inflated whatever its header says: which headers Cloudflare sends is not documented.
func (b *rawBody) inflated(encoding string, f func(io.Reader) error) error {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
	case "gzip", "x-gzip":
		if !b.zipped() {
			return errInvalid
		}
	default:
		return errEncoding
	}
	if !b.zipped() {
		return f(b.reader())
	}
	z, _ := inflaters.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer inflaters.Put(z)
	if err := z.Reset(b.reader()); err != nil {
		return errInvalid
	}
	return f(&bounded{from: z, left: MaxInflated})
}

var inflaters sync.Pool

// bounded reads what a body inflates to, up to a limit.
type bounded struct {
	from io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = errInvalid
	}
	return n, err
}

// blank reports whether a body says nothing: it is read no further than that takes.
func blank(w http.ResponseWriter, req *http.Request) bool {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyGrace))
	b, err := io.ReadAll(io.LimitReader(req.Body, 1<<10+1))
	if err != nil || len(b) > 1<<10 {
		return false
	}
	_ = control.SetReadDeadline(time.Time{})
	b = bytes.TrimSpace(b)
	return len(b) == 0 || string(b) == "[]"
}
