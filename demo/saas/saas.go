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
	"fmt"
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

// Mode is a state of the platform.
type Mode string

// The platform is healthy, or broken in one of these ways.
const (
	Healthy Mode = "healthy"
	Refuse  Mode = "refuse" // nothing listens
	Hang    Mode = "hang"   // connections are accepted and never answered
	Slow    Mode = "slow"   // the answer takes longer than any check waits
	Error   Mode = "error"  // everything answers 500
)

// Modes are the ways to break the platform.
var Modes = []Mode{Refuse, Hang, Slow, Error}

// slowness is longer than the checks' timeout of 3 s.
const slowness = 5 * time.Second

// Config says where the platform listens, and for whom.
type Config struct {
	Listen    string // plain HTTP, all tenants
	ListenTLS string // HTTPS, with a certificate made at the start
	Tenants   []string
}

// Platform is a running platform.
type Platform struct {
	tenants     []string
	certificate tls.Certificate
	ca          []byte

	mu      sync.Mutex
	mode    Mode
	changed chan struct{} // closed when the mode changes, so that no request hangs for longer than the outage
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
		tenants: slices.Clone(c.Tenants), certificate: certificate, ca: ca,
		mode: Healthy, changed: make(chan struct{}),
		doors: []*door{{address: c.Listen}, {address: c.ListenTLS, tls: true}},
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

// Mode is the state the platform is in.
func (p *Platform) Mode() Mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode
}

// Break brings an outage about.
func (p *Platform) Break(mode Mode) error {
	if !slices.Contains(Modes, mode) {
		return fmt.Errorf("no outage %q; write one of %v", mode, Modes)
	}
	return p.set(mode)
}

// Recover ends the outage.
func (p *Platform) Recover() error { return p.set(Healthy) }

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

func (p *Platform) set(mode Mode) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = mode
	close(p.changed)
	p.changed = make(chan struct{})
	for _, d := range p.doors {
		if mode == Refuse {
			d.shut()
			continue
		}
		if err := p.open(d); err != nil {
			return err
		}
	}
	return nil
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
	p.mu.Lock()
	mode, changed := p.mode, p.changed
	if p.fail > 0 {
		p.fail--
		mode = Error
	}
	p.mu.Unlock()

	switch mode {
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

	tenant, path := p.tenant(r)
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

// Control is the handler that breaks and mends: POST /outage?mode=, POST /recover, GET /.
func (p *Platform) Control() http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "the platform is now in mode %s\n", p.Mode())
	}
	mux.HandleFunc("POST /outage", func(w http.ResponseWriter, r *http.Request) {
		mode := Mode(r.URL.Query().Get("mode"))
		if mode == "" {
			mode = Refuse
		}
		answer(w, p.Break(mode))
	})
	mux.HandleFunc("POST /recover", func(w http.ResponseWriter, _ *http.Request) { answer(w, p.Recover()) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	return mux
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
