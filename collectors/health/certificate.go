package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
)

// certificate is the certificate that limits how long a target's connections are trusted.
type certificate struct {
	expiry time.Time     // zero without TLS
	life   time.Duration // for how long it was issued, 0 if that is not known
}

// decidingCertificate returns the certificate that decides until when a connection is trusted: of the chains that were
// verified the one that lasts longest, of it the first to expire. What a server sends besides, such as an expired
// cross-signed certificate, hurts no client. Without verification it is the server's own. The state has peer
// certificates.
func decidingCertificate(state *tls.ConnectionState) *x509.Certificate {
	var deciding *x509.Certificate
	for _, chain := range state.VerifiedChains {
		first := chain[0]
		for _, c := range chain {
			if c.NotAfter.Before(first.NotAfter) {
				first = c
			}
		}
		if deciding == nil || deciding.NotAfter.Before(first.NotAfter) {
			deciding = first
		}
	}
	if deciding == nil {
		deciding = state.PeerCertificates[0]
	}
	return deciding
}

// handshakes watches the TLS handshakes of a probe: of several, as on the way of a redirect, the certificate that
// expires first ends the service.
type handshakes struct {
	mu    sync.Mutex
	first certificate
}

// watch returns a context in which handshakes are seen.
func (h *handshakes) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeDone: h.done})
}

func (h *handshakes) done(state tls.ConnectionState, err error) {
	if err != nil || len(state.PeerCertificates) == 0 {
		return
	}
	c := decidingCertificate(&state)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first.expiry.IsZero() || c.NotAfter.Before(h.first.expiry) {
		h.first = certificate{c.NotAfter, c.NotAfter.Sub(c.NotBefore)}
	}
}

func (h *handshakes) certificate() certificate {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.first
}

// Default warning times before an expiry, at most a share of the certificate's life: automatic renewal starts after two
// thirds of it (RFC 9773, ACME clients) and needs time to succeed.
const (
	warnBefore, warnShare     = 14 * 24 * time.Hour, 6
	urgentBefore, urgentShare = 3 * 24 * time.Hour, 12
)

// warningTimes returns how long before the expiry of a certificate a warning is due, and an urgent one.
func (c certificate) warningTimes(policy config.Certificates) (warn, urgent time.Duration) {
	warn, urgent = warnBefore, urgentBefore
	if c.life > 0 {
		warn, urgent = min(warn, c.life/warnShare), min(urgent, c.life/urgentShare)
	}
	switch w, u := policy.WarnBefore.Std(), policy.UrgentBefore.Std(); {
	case w > 0 && u > 0:
		warn, urgent = w, u
	case w > 0:
		warn, urgent = w, min(urgent, w)
	case u > 0:
		warn, urgent = max(warn, u), u
	}
	return warn, urgent
}
