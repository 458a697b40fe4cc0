package receive

import (
	"crypto/hmac"
	"crypto/sha1" // Vercel signs with it
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

const signatureHeader = "x-vercel-signature"

// signatureOf returns the signature of a post, false if it has none that could be one.
func signatureOf(req *http.Request) ([]byte, bool) {
	got, err := hex.DecodeString(req.Header.Get(signatureHeader))
	return got, err == nil && len(got) == sha1.Size
}

func macOf(secret []byte) hash.Hash { return hmac.New(sha1.New, secret) }

// claim is a signature to be proven.
type claim struct {
	signature []byte
	sum       []byte // the code of the body as it was sent
	secret    []byte
	from      netip.Prefix
	known     bool // from has sent something signed before
}

// signed returns nil if a signature is that of a body: it is not documented whether Vercel signs a body before or after
// compressing it. Inflating costs much more than sending, so that one of those who have never proven a right may ask
// for it at a time, and none of those who have waits for them. A body that waits keeps its place, so that those are
// bounded too.
func (r *Receiver) signed(req *http.Request, c claim, body *rawBody, p *place) error {
	if hmac.Equal(c.signature, c.sum) {
		return nil
	}
	if !body.zipped() {
		return errUnauthorized
	}
	proving := &r.proving
	if c.known {
		proving = &r.provingKnown
	}
	timer := time.NewTimer(MaxWait)
	defer timer.Stop()
	if !proving.enter(c.from, body.size, timer.C, req.Context().Done(), p.displaced) {
		return errOverloaded
	}
	defer proving.leave()
	mac := macOf(c.secret)
	err := body.inflated(req.Header.Get("Content-Encoding"), func(from io.Reader) error {
		_, err := io.Copy(mac, from)
		return err
	})
	if err != nil || !hmac.Equal(c.signature, mac.Sum(nil)) {
		return errUnauthorized
	}
	return nil
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
