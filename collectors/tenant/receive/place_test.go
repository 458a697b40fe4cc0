package receive

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/clientaddr"
)

// deadlines is an answer whose connection notes until when it may be read.
type deadlines struct {
	httptest.ResponseRecorder
	until time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.until = t
	return nil
}

func post(from string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.RemoteAddr = from
	return r
}

// aged makes a place one that began so long ago and has sent so much.
func aged(p *place, age time.Duration, size int) *place {
	p.began = p.began.Add(-age)
	p.in.bytes += size - p.size
	p.size = size
	return p
}

func TestBodyMustComeAtAMinimumRate(t *testing.T) {
	w := &deadlines{}
	p := newPlaces(1, MaxBody, false).enter(w, clientaddr.Prefix(post("192.0.2.1:1")))
	for size, want := range map[int]time.Duration{
		0: bodyGrace, bodyRate: bodyGrace + time.Second, 10 * bodyRate: bodyGrace + 10*time.Second, MaxBody: bodyTimeout,
	} {
		p.size = size
		p.expect()
		if got := w.until.Sub(p.began); got != want {
			t.Errorf("after %d bytes: %s, want %s", size, got, want)
		}
	}
	if p.done(); !w.until.IsZero() {
		t.Error("the next request has the deadline of this one")
	}
}

func TestNewcomerDisplacesTheSlowest(t *testing.T) {
	const second = time.Second
	in := newPlaces(4, 1000, true)
	enter := func(from string, age time.Duration, size int) *place {
		t.Helper()
		p := in.enter(&deadlines{}, clientaddr.Prefix(post(from)))
		if p == nil {
			t.Fatalf("%s finds no place", from)
		}
		return aged(p, age, size)
	}
	fast := enter("192.0.2.1:1", 2*second, 900)
	slow := enter("192.0.2.1:2", 2*second, 0)
	lone := enter("192.0.2.2:1", 3*second, 0)
	young := enter("192.0.2.1:3", 0, 0)
	next := enter("192.0.2.3:1", 0, 0)
	if !slow.gone || fast.gone || lone.gone || young.gone {
		t.Errorf("the slowest of the address with most: %v %v %v %v", fast.gone, slow.gone, lone.gone, young.gone)
	}
	if w := slow.control; w == nil || !slow.grow(1) {
		t.Error("who is displaced goes on")
	}
	next.leave()
	next.leave()
	// Bytes are displaced as places are.
	if young.grow(50) || fast.gone {
		t.Error("there was room")
	}
	if young.grow(51) || !fast.gone && !lone.gone {
		t.Error("no body is displaced for bytes")
	}
	for _, p := range []*place{fast, slow, lone, young} {
		p.leave()
	}
	if len(in.all) != 0 || len(in.by) != 0 || in.bytes != 0 {
		t.Errorf("left: %+v", in)
	}
}

func TestPlacesOfTheTrustedAreNotTaken(t *testing.T) {
	in := newPlaces(1, 100, false)
	p := aged(in.enter(&deadlines{}, clientaddr.Prefix(post("192.0.2.1:1"))), time.Hour, 0)
	if in.enter(&deadlines{}, clientaddr.Prefix(post("192.0.2.2:1"))) != nil || p.gone {
		t.Error("a body with the secret was displaced")
	}
	if p.grow(100) || !p.grow(1) {
		t.Error("the bytes are not bounded")
	}
}

func TestProvenAddressesAreBounded(t *testing.T) {
	var p proven
	for i := range 3 * maxProven {
		from := clientaddr.Prefix(post(httptestAddr(i)))
		if p.add(from); !p.has(from) || len(p.at) > maxProven {
			t.Fatalf("%d addresses", len(p.at))
		}
	}
	from := clientaddr.Prefix(post("192.0.2.1:1"))
	p.add(from)
	p.at[from] = time.Now().Add(-provenFor)
	if p.has(from) {
		t.Error("it is proven for ever")
	}
}

func httptestAddr(i int) string {
	return fmt.Sprintf("10.0.%d.%d:1", i/250, i%250)
}
