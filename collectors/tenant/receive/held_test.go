package receive

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/internal/clientaddr"
)

// undated is an answer whose connection has no deadlines.
type undated struct{ *httptest.ResponseRecorder }

func (undated) SetReadDeadline(time.Time) error { return nil }

// Bodies that wait for their signatures to be judged count as bodies on their way: what is too much is refused at once.
func TestWaitingBodiesAreBounded(t *testing.T) {
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.NoCompression)
	_, _ = z.Write(make([]byte, MaxBody/2))
	_ = z.Close()
	r, err := New(Config{
		Kind: "vercel", Format: decode.Options{Format: "vercel"}, Status: &source.Status{}, Posts: func(Result) {},
		Secret: func(context.Context) ([]byte, error) { return []byte("secret"), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if !r.proving.enter(clientaddr.Prefix(post("192.0.2.1:1")), 1, nil) { // a turn that takes long
		t.Fatal("the first post gets no turn")
	}
	ctx, cancel := context.WithCancel(t.Context())
	const posts = 3 * MaxUnproven / MaxBody * 2
	answered := make(chan int, posts)
	for range posts {
		go func() {
			req := post("192.0.2.2:1").WithContext(ctx)
			req.ContentLength = int64(packed.Len())
			req.Body = httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(packed.Bytes())).Body
			req.Header.Set(signatureHeader, strings.Repeat("0", 40))
			w := undated{httptest.NewRecorder()}
			r.ServeHTTP(w, req)
			answered <- w.Code
		}()
	}
	most := MaxUnproven / (MaxBody / 2)
	began := time.Now()
	for range posts - most {
		if code := <-answered; code != http.StatusTooManyRequests {
			t.Errorf("answered %d", code)
		}
	}
	if waited := time.Since(began); waited >= MaxWait {
		t.Errorf("%d bodies were held for %s", posts, waited)
	}
	cancel()
	for range most {
		<-answered
	}
	r.proving.leave()
	if r.unproven.bytes != 0 || len(r.unproven.all) != 0 {
		t.Errorf("left: %+v", r.unproven)
	}
}
