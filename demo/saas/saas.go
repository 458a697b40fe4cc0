// Package saas is a small multi-tenant platform that exists to be broken: real listeners, real answers,
// and the ways in which a real platform stops giving them.
package saas

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// slowness is above the latency objective of 300 ms and below the checks' timeout of 3 s.
const slowness = 800 * time.Millisecond

// Config says where the platform listens, and for whom.
type Config struct {
	Listen    string // plain HTTP, all tenants
	ListenTLS string // HTTPS, with a certificate made at the start
	Tenants   []string
	// Unavailable are the modes that cannot be shown on this machine, and why.
	Unavailable map[Mode]string
}

// Platform is a running platform.
type Platform struct {
	tenants     []string
	unavailable map[Mode]string
	certificate tls.Certificate
	ca          []byte
	maintenance time.Time // that the vendor has announced
	started     time.Time

	mu      sync.Mutex
	mode    Mode
	broken  map[string]Mode // tenants that are broken alone
	changed chan struct{}   // closed when the mode changes, so that no request hangs for longer than the outage
	fail    int
	doors   []*door
}

// door is one listening address, which opens again where it was.
type door struct {
	address string
	tls     bool
	server  *http.Server
}

// Start opens the platform's doors.
func Start(c Config) (*Platform, error) {
	certificate, ca, err := selfSigned()
	if err != nil {
		return nil, err
	}
	p := &Platform{
		tenants: slices.Clone(c.Tenants), unavailable: c.Unavailable, certificate: certificate, ca: ca,
		mode: Healthy, broken: map[string]Mode{}, changed: make(chan struct{}), started: time.Now(),
		maintenance: time.Now().UTC().Add(50 * time.Hour).Truncate(time.Hour),
		doors:       []*door{{address: c.Listen}, {address: c.ListenTLS, tls: true}},
	}
	for _, d := range p.doors {
		if err := p.open(d); err != nil {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

// Address is where plain HTTP is served.
func (p *Platform) Address() string { return p.doors[0].address }

// AddressTLS is where HTTPS is served.
func (p *Platform) AddressTLS() string { return p.doors[1].address }

// CA is the certificate, in PEM, that makes HTTPS trusted.
func (p *Platform) CA() []byte { return p.ca }

// FailNext makes the next n requests fail, and none after them.
func (p *Platform) FailNext(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = n
}

// Unfailed is how many of the failures asked for by FailNext are still to come.
func (p *Platform) Unfailed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fail
}

// Close closes every door.
func (p *Platform) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.doors {
		d.shut()
	}
}

func (p *Platform) open(d *door) error {
	if d.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", d.address)
	if err != nil {
		return err
	}
	d.address = listener.Addr().String()
	if d.tls {
		listener = tls.NewListener(listener, &tls.Config{
			Certificates: []tls.Certificate{p.certificate},
			MinVersion:   tls.VersionTLS12,
		})
	}
	d.server = &http.Server{
		Handler: p, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func(server *http.Server) { _ = server.Serve(listener) }(d.server)
	return nil
}

func (d *door) shut() {
	if d.server != nil {
		_ = d.server.Close()
		d.server = nil
	}
}

// ServeHTTP answers /healthz for the platform and /t/TENANT/healthz, or /healthz of the host
// TENANT.anything, for a tenant.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant, path := p.tenant(r)
	p.mu.Lock()
	mode, changed := p.modeOf(tenant), p.changed
	if p.fail > 0 {
		p.fail--
		mode = Error
	}
	p.mu.Unlock()

	switch mode {
	case Refuse:
		panic(http.ErrAbortHandler)
	case Hang:
		wait(r, changed, nil)
		panic(http.ErrAbortHandler)
	case Slow:
		timer := time.NewTimer(slowness)
		defer timer.Stop()
		wait(r, changed, timer.C)
	case Error:
		http.Error(w, "the platform is broken", http.StatusInternalServerError)
		return
	}

	if path != "/" && path != "/healthz" || tenant != "" && !slices.Contains(p.tenants, tenant) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"status": "ok", "tenant": tenant})
}

func wait(r *http.Request, changed <-chan struct{}, timer <-chan time.Time) {
	select {
	case <-r.Context().Done():
	case <-changed:
	case <-timer:
	}
}

func (p *Platform) tenant(r *http.Request) (tenant, path string) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/t/"); ok {
		tenant, path, _ = strings.Cut(rest, "/")
		return tenant, "/" + path
	}
	if first, _, ok := strings.Cut(r.Host, "."); ok && slices.Contains(p.tenants, first) {
		return first, r.URL.Path
	}
	return "", r.URL.Path
}

func selfSigned() (certificate tls.Certificate, ca []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "demonstration platform"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(90 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:              []string{"localhost"},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return certificate, nil, err
	}
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, ca, nil
}
