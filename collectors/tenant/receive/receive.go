// Package receive accepts request logs that vendors post. A post is acknowledged when its counts are on the disk. Only
// the counted fields are kept: no address, no query string, no message.
package receive

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/stream"
	"github.com/thorbis/thorbis_exporter/internal/clientaddr"
)

// Bounds of a post. A larger one is rejected with a message, so that the sender can configure smaller batches.
const (
	MaxBody     = 16 << 20  // as it is sent
	MaxInflated = 128 << 20 // after inflating
	MaxRecords  = 250_000
	// Concurrency is how many posts are processed at once; others are asked to retry.
	Concurrency = 4
	// Readers is how many bodies may be received at once, and MaxHeld how many bytes of them; MaxUnproven of those whose
	// senders have never proven a right to post. A slow sender blocks no other post.
	Readers     = 64
	MaxHeld     = Concurrency * MaxBody
	MaxUnproven = 2 * MaxBody
)

// MaxWait is how long a body that has arrived waits to be processed.
const MaxWait = 5 * time.Second

// refusedFor is how long a receiver stays down after a post that could not be saved, if no other post arrives.
const refusedFor = 5 * time.Minute

// Refusing reports whether a receiver could not save its last post, if that was within refusedFor. Later it is unknown
// whether it still cannot, because its senders may have given up.
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
	Secret      func(context.Context) ([]byte, error)
	Header      string // that carries the secret, for all but vercel
	Verify      string // what vercel wants to see in x-vercel-verify
	Count       *aggregate.CountSource
	Store       *store.Store
	Aggregators *source.Aggregators
	Logger      *slog.Logger
	Status      *source.Status
	Posts       func(Result)
	InFlight    *InFlight
	// Forward is where requests are written to instead of being counted; nil counts them.
	Forward stream.Writer
}

// Receiver serves one address.
type Receiver struct {
	Config
	slots   chan struct{}
	trusted *places // for posts with the secret, and for senders that have sent a signed post before
	// unproven is for signed posts of senders that have never proven a right to post.
	unproven              *places
	proven                proven
	proving, provingKnown fairQueue
	decoders              chan *decode.JSON
	samples               source.Sampler
}

// New returns a receiver.
func New(c Config) (*Receiver, error) {
	r := &Receiver{
		Config: c, slots: make(chan struct{}, Concurrency), decoders: make(chan *decode.JSON, Concurrency),
		trusted: newPlaces(Readers, MaxHeld, c.Kind == "vercel"), unproven: newPlaces(Readers, MaxUnproven, true),
	}
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
	errSlow         = &refusal{Invalid, http.StatusRequestTimeout, "the post comes too slowly; send it again"}
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
	if errors.Is(err, store.ErrUndecided) {
		panic(http.ErrAbortHandler) // what is refused is never counted, and this may be: it gets no answer
	}
	if no.result == Unavailable || no.result == Overloaded {
		w.Header().Set("Retry-After", "1")
	}
	if no.result != Unavailable {
		w.Header().Set("Connection", "close") // the rest of the body is not waited for
	}
	http.Error(w, no.text, no.code)
}

// post takes one post. The secret is judged before anything is read, the signature before anything is parsed.
func (r *Receiver) post(w http.ResponseWriter, req *http.Request) error {
	if req.ContentLength > MaxBody {
		return errTooLarge
	}
	secret, err := r.Secret(req.Context())
	if err != nil {
		return errUnavailable
	}
	if r.Kind == "vercel" {
		return r.postSigned(w, req, secret)
	}
	if !r.authorized(req, secret) {
		return errUnauthorized
	}
	body := &rawBody{}
	defer body.free()
	p, err := r.read(w, req, r.trusted, body, io.Discard)
	defer p.leave()
	if err != nil {
		return err
	}
	p.leave() // for the next one to come in while this one is worked on
	return r.work(req, body)
}

// postSigned takes a post whose signature is known to be right only when all of it is here.
func (r *Receiver) postSigned(w http.ResponseWriter, req *http.Request, secret []byte) error {
	signature, ok := signatureOf(req)
	if !ok || len(secret) == 0 {
		if r.Verify != "" && req.Header.Get(signatureHeader) == "" && blank(w, req) {
			return nil // the verification of the address is not signed
		}
		return errUnauthorized
	}
	from := clientaddr.Prefix(req)
	known := r.proven.has(from)
	in := r.unproven
	if known {
		in = r.trusted
	}
	body, mac := &rawBody{}, macOf(secret)
	defer body.free()
	p, err := r.read(w, req, in, body, mac)
	defer p.leave()
	if err == nil {
		err = r.signed(req, claim{signature, mac.Sum(nil), secret, from, known}, body, p)
	}
	if err != nil {
		return refuseUnproven(err)
	}
	p.leave()
	r.proven.add(from)
	return r.work(req, body)
}

// refuseUnproven counts what was refused before its right was known as unauthorized: whoever may not post must not make
// the receiver look overloaded.
func refuseUnproven(err error) error {
	var no *refusal
	if errors.As(err, &no) && (no == errSlow || no == errOverloaded) {
		return &refusal{Unauthorized, no.code, no.text}
	}
	return err
}

// read reads a body in one of the places, which it keeps until it leaves.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request, in *places, body *rawBody,
	seen io.Writer,
) (*place, error) {
	p := in.enter(w, clientaddr.Prefix(req))
	if p == nil {
		return nil, errOverloaded
	}
	return p, body.fill(http.MaxBytesReader(w, req.Body, MaxBody), p, seen)
}

// work takes a body that is here and may be posted.
func (r *Receiver) work(req *http.Request, body *rawBody) error {
	timer := time.NewTimer(MaxWait)
	defer timer.Stop()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-timer.C:
		return errOverloaded
	case <-req.Context().Done():
		return errOverloaded
	}
	return body.inflated(req.Header.Get("Content-Encoding"), func(from io.Reader) error {
		if r.Forward != nil {
			return r.forward(req, from)
		}
		return r.take(req, from)
	})
}
