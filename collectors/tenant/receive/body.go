package receive

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Vercel signs with it
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

const signatureHeader = "x-vercel-signature"

// signed reports whether the signature is that of one of the bodies: it is not documented whether Vercel
// signs a body before or after compressing it.
func (r *Receiver) signed(req *http.Request, secret []byte, bodies ...[]byte) bool {
	got, err := hex.DecodeString(req.Header.Get(signatureHeader))
	if err != nil || len(got) != sha1.Size || len(secret) == 0 {
		return false
	}
	for _, body := range bodies {
		mac := hmac.New(sha1.New, secret)
		_, _ = mac.Write(body)
		if hmac.Equal(got, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// authorized reports whether the header carries the secret, with or without the word Bearer before it.
func (r *Receiver) authorized(req *http.Request, secret []byte) bool {
	if len(secret) == 0 {
		return false
	}
	want := sha256.Sum256(secret)
	value := req.Header.Get(r.Header)
	for _, candidate := range []string{value, strings.TrimPrefix(value, "Bearer ")} {
		if got := sha256.Sum256([]byte(candidate)); hmac.Equal(got[:], want[:]) {
			return true
		}
	}
	return false
}

func empty(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) == 0 || string(body) == "[]"
}

// inflated returns the body itself, or what it inflates to. A body that begins as gzip does is inflated
// whatever its header says: which headers Cloudflare sends is not documented.
func inflated(encoding string, wire, plain *buffer) ([]byte, error) {
	zipped := bytes.HasPrefix(wire.b, []byte{0x1f, 0x8b})
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
	case "gzip", "x-gzip":
		if !zipped {
			return nil, errInvalid
		}
	default:
		return nil, errEncoding
	}
	if !zipped {
		return wire.b, nil
	}
	z, _ := inflaters.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer inflaters.Put(z)
	if err := z.Reset(bytes.NewReader(wire.b)); err != nil {
		return nil, errInvalid
	}
	if err := plain.fill(z, MaxInflated); err != nil {
		return nil, err
	}
	return plain.b, nil
}

var inflaters sync.Pool

// buffer is working memory of one post. Large ones are not kept.
type buffer struct{ b []byte }

const keptBuffer = 8 << 20

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 64<<10)} }}

func takeBuffer() *buffer {
	b := buffers.Get().(*buffer)
	b.b = b.b[:0]
	return b
}

func giveBuffer(b *buffer) {
	if cap(b.b) <= keptBuffer {
		buffers.Put(b)
	}
}
