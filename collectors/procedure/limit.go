package procedure

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/thorbis/thorbis_exporter/internal/clientaddr"
)

// Bounds of pings. A run has two or three; healthchecks.io permits five a minute.
const (
	pingsPerMinute = 30
	pingBurst      = 30
	// refusals are how many wrong keys of an address are answered at once and a second. More are turned away unread; a
	// right key never is.
	refusalBurst     = 60
	refusalsPerSec   = 5
	maxAddresses     = 4096
	maxPingsInFlight = 128
)

// limits bound how often a procedure is reported, and how often an address sends wrong keys.
type limits struct {
	mu         sync.Mutex
	procedures map[string]*rate.Limiter
	addresses  map[netip.Prefix]*rate.Limiter
	inFlight   int
}

// enter takes a place, false if all are taken.
func (l *limits) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inFlight >= maxPingsInFlight {
		return false
	}
	l.inFlight++
	return true
}

func (l *limits) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
}

// procedure reports whether a procedure of the policy may be reported now.
func (l *limits) procedure(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.procedures == nil {
		l.procedures = map[string]*rate.Limiter{}
	}
	one := l.procedures[name]
	if one == nil {
		one = rate.NewLimiter(rate.Every(time.Minute/pingsPerMinute), pingBurst)
		l.procedures[name] = one
	}
	return one.Allow()
}

// refusal reports whether an address may learn that its key is wrong.
func (l *limits) refusal(req *http.Request) bool {
	from := clientaddr.Prefix(req)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.addresses == nil || len(l.addresses) >= maxAddresses {
		l.addresses = map[netip.Prefix]*rate.Limiter{} // all begin anew, which frees what a flood has taken
	}
	one := l.addresses[from]
	if one == nil {
		one = rate.NewLimiter(refusalsPerSec, refusalBurst)
		l.addresses[from] = one
	}
	return one.Allow()
}
