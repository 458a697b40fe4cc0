package health

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// issued is a certificate with its key.
type issued struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var serial int64

// issue makes a certificate that begins an hour ago and lasts so long, signed by another or by itself.
func issue(t *testing.T, name string, lasts time.Duration, by *issued, key *ecdsa.PrivateKey) *issued {
	t.Helper()
	if key == nil {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	serial++
	begin := time.Now().Add(-time.Hour)
	if lasts < 0 { // expired so long ago
		begin = begin.Add(10 * lasts)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: begin.Truncate(time.Second), NotAfter: time.Now().Add(lasts).Truncate(time.Second),
	}
	if name == "leaf" {
		template.DNSNames, template.IPAddresses = []string{"shop.example.com"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{cert, key}
}

// chain is what a server sends.
func chain(leaf *issued, more ...*issued) tls.Certificate {
	c := tls.Certificate{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key}
	for _, m := range more {
		c.Certificate = append(c.Certificate, m.cert.Raw)
	}
	return c
}

func writePEM(t *testing.T, certs ...*issued) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.pem")
	var text []byte
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw})...)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The chain that was verified decides, by every prober: an expired cross-signed certificate that the server sends too
// hurts no client, and of two chains the one that lasts longer counts.
func TestVerifiedChainIsJudged(t *testing.T) {
	const day = 24 * time.Hour
	oldRoot := issue(t, "old root", -day, nil, nil)
	root := issue(t, "root", 3000*day, nil, nil)
	otherRoot := issue(t, "other root", 20*day, nil, nil)
	// the root, signed by one that has expired, as Let's Encrypt's was in 2021
	crossed := issue(t, "root", -day, oldRoot, root.key)
	middle := issue(t, "middle", 1000*day, root, nil)
	twin := issue(t, "middle", 10*day, otherRoot, middle.key)
	short := issue(t, "short middle", 40*day, root, nil)
	for name, tc := range map[string]struct {
		served tls.Certificate
		trust  []*issued
		want   time.Time
		life   time.Duration
		verify bool
	}{
		"surplus expired": {
			chain(issue(t, "leaf", 90*day, middle, nil), middle, crossed),
			[]*issued{root},
			time.Now().Add(90 * day), 90 * day, true,
		},
		"two chains": {
			chain(issue(t, "leaf", 90*day, middle, nil), middle, twin),
			[]*issued{root, otherRoot},
			time.Now().Add(90 * day), 90 * day, true,
		},
		"middle first": {
			chain(issue(t, "leaf", 90*day, short, nil), short),
			[]*issued{root},
			time.Now().Add(40 * day),
			40 * day, true,
		},
		"not verified": {
			chain(issue(t, "leaf", 6*day, middle, nil), middle, crossed), nil, time.Now().Add(6 * day),
			6 * day, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := &tls.Config{Certificates: []tls.Certificate{tc.served}}
			web := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			web.TLS = config
			web.StartTLS()
			defer web.Close()
			l := listenAt(t, "127.0.0.1:0")
			rpc := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
			service := health.NewServer()
			grpc_health_v1.RegisterHealthServer(rpc, service)
			go func() { _ = rpc.Serve(l) }()
			defer rpc.Stop()
			names := newNameServer(t)
			names.set("shop.example.com", "127.0.0.1")
			for _, host := range []string{"127.0.0.1", "shop.example.com"} {
				for prober, server := range map[string]net.Listener{"http_2xx": web.Listener, "tcp_tls": web.Listener, "grpc": l} {
					module := *builtin(prober)
					tlsConfig := &module.HTTP.HTTPClientConfig.TLSConfig
					switch prober {
					case "tcp_tls":
						tlsConfig = &module.TCP.TLSConfig
					case "grpc":
						tlsConfig = &module.GRPC.TLSConfig
					}
					tlsConfig.InsecureSkipVerify = !tc.verify
					if tc.trust != nil {
						tlsConfig.CAFile = writePEM(t, tc.trust...)
					}
					port, _ := portOf(t, server)
					target := host + ":" + port
					if prober == "http_2xx" {
						target = "https://" + target
					}
					m := newModuleRequest(prober, module, 20*time.Second).by(names.resolver()).of(target).examine(t.Context(), false,
						&reference{})
					if m.result != ok {
						t.Errorf("%s of %s: %s\n%s", prober, target, m.reason, m.log.text())
						continue
					}
					if off := m.certificate.expiry.Sub(tc.want).Abs(); off > time.Minute {
						t.Errorf("%s of %s: expires %s, want %s", prober, target, m.certificate.expiry, tc.want)
					}
					if off := (m.certificate.life - tc.life).Abs(); off > 2*time.Hour {
						t.Errorf("%s of %s: lives %s, want %s", prober, target, m.certificate.life, tc.life)
					}
				}
			}
		})
	}
}

// Notice is a share of a short life, and what the policy says.
func TestNoticeOfAnExpiry(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		life, warn, urgent          time.Duration // of the certificate; what the policy says
		wantedWarning, wantedUrgent time.Duration
	}{
		{0, 0, 0, 14 * day, 3 * day}, // not known
		{398 * day, 0, 0, 14 * day, 3 * day},
		{90 * day, 0, 0, 14 * day, 3 * day},
		{47 * day, 0, 0, 47 * day / 6, 3 * day},
		{6 * day, 0, 0, day, day / 2},
		{90 * day, 30 * day, 0, 30 * day, 3 * day},
		{90 * day, 2 * day, 0, 2 * day, 2 * day},
		{90 * day, 0, 20 * day, 20 * day, 20 * day},
		{6 * day, 2 * day, day, 2 * day, day},
	} {
		warn, urgent := certificate{life: tc.life}.warningTimes(config.Certificates{
			WarnBefore:   config.Duration(tc.warn),
			UrgentBefore: config.Duration(tc.urgent),
		})
		if warn != tc.wantedWarning || urgent != tc.wantedUrgent {
			t.Errorf("%+v: %s and %s", tc, warn, urgent)
		}
	}
}

// What is expected is exposed beside what is measured, for a target that has a certificate.
func TestExpectedNoticeIsExposed(t *testing.T) {
	leaf := issue(t, "leaf", 6*24*time.Hour, nil, nil)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{chain(leaf)}}
	srv.StartTLS()
	defer srv.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer plain.Close()
	modules := filepath.Join(t.TempDir(), "blackbox.yml")
	if err := os.WriteFile(modules, []byte(
		"modules: {any: {prober: http, http: {tls_config: {insecure_skip_verify: true}}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := start(t, policy(t, "  modules_file: "+modules+"\n  certificates: {urgent_before: 18h}\n"+quick+
		fmt.Sprintf("    - {name: a, app_service: web, target: %q, module: any}\n", srv.URL)+
		fmt.Sprintf(
			"    - {name: b, app_service: web, target: %q, module: any, certificates: {warn_before: 2d, urgent_before: 1d}}\n",
			srv.URL)+
		fmt.Sprintf("    - {name: c, app_service: web, target: %q}\n", plain.URL), ""), nil)
	eventually(t, "up", func() bool { return states(c) == "a up, b up, c up" })
	for check, want := range map[string][2]float64{"a": {86400, 64800}, "b": {172800, 86400}} {
		warn := value(t, c, metric.HealthCheckExpectedCertificateWarning, "check="+check)
		urgent := value(t, c, metric.HealthCheckExpectedCertificateUrgent, "check="+check)
		if diff := warn - want[0]; diff < 0 || diff > 900 || urgent != want[1] {
			t.Errorf("%s: %v and %v, want %v", check, warn, urgent, want)
		}
		if got := value(t, c, metric.HealthCheckCertificateExpiry,
			"check="+check); got != float64(leaf.cert.NotAfter.Unix()) {
			t.Errorf("%s expires %v", check, got)
		}
	}
	if _, found := find(t, c, metric.HealthCheckExpectedCertificateWarning, "check=c"); found {
		t.Error("a target without TLS has a certificate to renew")
	}
}
