// Package receive takes request logs that vendors post. A post is acknowledged when what it told is on the
// disk, and only the counted fields of it are kept: no address, no query string, no message.
package receive

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/count"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/ledger"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
)

// Bounds of a post. Whoever posts more is told so, and configures smaller batches.
const (
	MaxBody     = 16 << 20  // as it is sent
	MaxInflated = 128 << 20 // after inflating
	MaxRecords  = 250_000
	// Concurrency is how many posts are worked on at once; the others are told to come again.
	Concurrency = 4
	// Readers is how many bodies may be on their way at once, and MaxHeld how many bytes of them there may be: whoever
	// sends slowly, perhaps without a right to, keeps nobody from being worked on.
	Readers = 64
	MaxHeld = Concurrency * MaxBody
)

// slotPatience is how long a body that is here waits to be worked on.
const slotPatience = 5 * time.Second

// refusedFor is for how long a post that could not be saved is held against the receiver if nobody posts again.
const refusedFor = 5 * time.Minute

// Refusing reports whether a receiver cannot save what it is sent: it could not the last time, which is not long ago. One whose
// senders have given up can take posts as far as anybody knows.
func Refusing(s *source.Status, now time.Time) bool {
	at := s.Refused.Load()
	return at != 0 && now.Sub(time.Unix(0, at)) < refusedFor
}

// Result of a post, in the order of metric.PostResults.
type Result int

// The results.
const (
	Accepted Result = iota
	Unauthorized
	TooLarge
	Invalid
	Overloaded
	Unavailable
)

// Config is one receiver of a policy.
type Config struct {
	Name   string
	Kind   string // vercel, cloudflare or json
	Format decode.Options
	// Secret returns the secret as it is now.
	Secret func(context.Context) ([]byte, error)
	Header string // that carries the secret, for all but vercel
	Verify string // what vercel wants to see in x-vercel-verify
	Count  *count.Source
	Book   *ledger.Book
	Tables *source.Tables
	Logger *slog.Logger
	Status *source.Status
	Posts  func(Result)
	Memory *Memory
}

// Receiver serves one address.
type Receiver struct {
	Config
	slots    chan struct{}
	reading  chan struct{}
	held     atomic.Int64
	decoders chan *decode.JSON
	samples  source.Sampler
}

// New returns a receiver.
func New(c Config) (*Receiver, error) {
	r := &Receiver{Config: c, slots: make(chan struct{}, Concurrency), reading: make(chan struct{}, Readers), decoders: make(chan *decode.JSON, Concurrency)}
	for range Concurrency {
		d, err := decode.NewJSON(c.Format)
		if err != nil {
			return nil, err
		}
		r.decoders <- d
	}
	return r, nil
}

// refusal is an answer that is no success.
type refusal struct {
	result Result
	code   int
	text   string
}

func (r *refusal) Error() string { return r.text }

var (
	errUnauthorized = &refusal{Unauthorized, http.StatusUnauthorized, "the secret or the signature is missing or wrong"}
	errTooLarge     = &refusal{TooLarge, http.StatusRequestEntityTooLarge, "the post is too large; send smaller batches"}
	errEncoding     = &refusal{Invalid, http.StatusUnsupportedMediaType, "send the body as it is or with gzip"}
	errInvalid      = &refusal{Invalid, http.StatusBadRequest, "no record of the post can be read"}
	errOverloaded   = &refusal{Overloaded, http.StatusTooManyRequests, "too many posts at once; send it again"}
	errBusy         = &refusal{Overloaded, http.StatusServiceUnavailable, "a copy of it is being saved; send it again"}
	errUnavailable  = &refusal{Unavailable, http.StatusServiceUnavailable, "the post cannot be saved now; send it again"}
)

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.Kind == "vercel" && r.Verify != "" {
		w.Header().Set("x-vercel-verify", r.Verify)
	}
	switch req.Method {
	case http.MethodPost:
	case http.MethodGet, http.MethodHead:
		if r.Kind == "vercel" && r.Verify != "" {
			return // the method of the verification is not documented
		}
		fallthrough
	default:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "post here", http.StatusMethodNotAllowed)
		return
	}
	err := r.post(w, req)
	if err == nil {
		r.Posts(Accepted)
		r.Status.Refused.Store(0)
		return
	}
	var no *refusal
	if !errors.As(err, &no) {
		r.Logger.Warn("A post was not taken", "receive", r.Kind, "err", err)
		no = errUnavailable
	}
	if no.result == Unavailable {
		r.Status.Refused.Store(time.Now().UnixNano())
		r.Status.Errors.Add(1)
	}
	r.Posts(no.result)
	if errors.Is(err, ledger.ErrUndecided) {
		panic(http.ErrAbortHandler) // what is refused is never counted, and this may be: it gets no answer
	}
	if no.result == Unavailable || no.result == Overloaded {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, no.text, no.code)
}

// post takes one post. The secret is judged before anything is read, the signature before anything is parsed.
func (r *Receiver) post(w http.ResponseWriter, req *http.Request) error {
	secret, err := r.Secret(req.Context())
	if err != nil {
		return errUnavailable
	}
	if r.Kind != "vercel" && !r.authorized(req, secret) {
		return errUnauthorized
	}
	if req.ContentLength > MaxBody {
		return errTooLarge
	}
	if !enter(r.reading) {
		return errOverloaded
	}
	defer func() { <-r.reading }()
	wire := takeBuffer()
	defer giveBuffer(wire)
	body := &held{from: http.MaxBytesReader(w, req.Body, MaxBody), all: &r.held}
	defer body.release()
	if err := wire.fill(body, MaxBody); err != nil {
		return err
	}
	patience := time.NewTimer(slotPatience)
	defer patience.Stop()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
		return r.work(req, wire, secret)
	case <-patience.C:
	case <-req.Context().Done():
	}
	return errOverloaded
}

// enter takes one of the places, if there is one.
func enter(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}

// work takes a body that is here.
func (r *Receiver) work(req *http.Request, wire *buffer, secret []byte) error {
	plain := takeBuffer()
	defer giveBuffer(plain)
	body, err := inflated(req.Header.Get("Content-Encoding"), wire, plain)
	if err != nil {
		if r.Kind == "vercel" && !r.signed(req, secret, wire.b) {
			return errUnauthorized
		}
		return err
	}
	if r.Kind == "vercel" && !r.signed(req, secret, wire.b, body) {
		if r.Verify != "" && req.Header.Get(signatureHeader) == "" && empty(body) {
			return nil // the verification of the address is not signed
		}
		return errUnauthorized
	}
	return r.take(req, body)
}

// held reads a body as long as all bodies together are not too large.
type held struct {
	from io.Reader
	all  *atomic.Int64
	own  int64
}

func (h *held) Read(p []byte) (int, error) {
	n, err := h.from.Read(p)
	h.own += int64(n)
	if h.all.Add(int64(n)) > MaxHeld {
		return n, errOverloaded
	}
	return n, err
}

func (h *held) release() { h.all.Add(-h.own) }

// fill reads all of a stream.
func (b *buffer) fill(from io.Reader, limit int) error {
	for {
		if len(b.b) == cap(b.b) {
			b.b = append(b.b, 0)[:len(b.b)]
		}
		n, err := from.Read(b.b[len(b.b):min(cap(b.b), limit+1)])
		b.b = b.b[:len(b.b)+n]
		var tooLarge *http.MaxBytesError
		switch {
		case len(b.b) > limit || errors.As(err, &tooLarge):
			return errTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errOverloaded):
			return errOverloaded
		case err != nil:
			return errInvalid
		}
	}
}
