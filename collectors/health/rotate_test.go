package health

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// replace writes a file as rotations do: a new one is put in its place.
func replace(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// Every secret that a check uses is read again when it was rotated, without a reload: the service takes only the new
// one, and the check stays up.
func TestRotatedSecretsKeepTheCheckUp(t *testing.T) {
	for name, tc := range map[string]struct {
		module, check string // FILE is where the secret is
		file          string // what is in it, with SECRET for the secret
		got           func(r *http.Request) string
	}{
		"secret header": {
			"m: {prober: http}", ", secret_headers: {x-api-key: {file: FILE}}", "SECRET\n",
			func(r *http.Request) string { return r.Header.Get("X-Api-Key") },
		},
		"basic auth": {
			"m: {prober: http, http: {basic_auth: {username: u, password_file: FILE}}}", "", "SECRET\n",
			func(r *http.Request) string { _, p, _ := r.BasicAuth(); return p },
		},
		"bearer token": {
			"m: {prober: http, http: {bearer_token_file: FILE}}", "", "SECRET\n",
			func(r *http.Request) string { return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") },
		},
		"credentials": {
			"m: {prober: http, http: {authorization: {type: Token, credentials_file: FILE}}}", "", "SECRET\n",
			func(r *http.Request) string { return strings.TrimPrefix(r.Header.Get("Authorization"), "Token ") },
		},
		"header of a file": {
			"m: {prober: http, http: {http_headers: {X-Key: {files: [FILE]}}}}", "", "SECRET\n",
			func(r *http.Request) string { return r.Header.Get("X-Key") },
		},
		"modules_file": {
			"", "", "modules: {m: {prober: http, http: {basic_auth: {username: u, password: SECRET}}}}\n",
			func(r *http.Request) string { _, p, _ := r.BasicAuth(); return p },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want atomic.Pointer[string]
			expect := func(s string) { want.Store(&s) }
			expect("first-secret")
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tc.got(r) != *want.Load() {
					w.WriteHeader(http.StatusUnauthorized)
				}
			}))
			t.Cleanup(srv.Close)
			dir := t.TempDir()
			file, modules := filepath.Join(dir, "secret"), filepath.Join(dir, "blackbox.yml")
			if tc.module == "" {
				file = modules
			} else {
				replace(t, modules, "modules: {"+strings.ReplaceAll(tc.module, "FILE", file)+"}\n")
			}
			replace(t, file, strings.ReplaceAll(tc.file, "SECRET", "first-secret"))
			c, _ := start(t, policy(
				t,
				"  modules_file: "+modules+"\n  interval: 1s\n  timeout: 900ms\n  confirm: {probes: 10, interval: 1s}\n  checks:\n"+
					"    - {name: home, app_service: web, target: "+srv.URL+", module: m"+strings.ReplaceAll(tc.check, "FILE",
					file)+"}\n", ""), nil)
			await(t, c, "up", is(metric.StateUp))
			expect("second-secret")
			replace(t, file, strings.ReplaceAll(tc.file, "SECRET", "second-secret"))
			rotated := value(t, c, metric.HealthCheckProbes, "result=success")
			eventually(t, "up with the new secret", func() bool {
				return value(t, c, metric.HealthCheckProbes, "result=success") >= rotated+3 && is(metric.StateUp)(c.Status()[0])
			})
			if n := value(t, c, metric.HealthCheckOutages); n != 0 {
				t.Errorf("%v outages", n)
			}
		})
	}
}

// A client's certificate and a CA are read again too.
func TestRotatedCertificatesKeepTheCheckUp(t *testing.T) {
	ca1, ca2 := issue(t, "ca one", time.Hour, nil, nil), issue(t, "ca two", time.Hour, nil, nil)
	client1, client2 := issue(t, "leaf", time.Hour, ca1, nil), issue(t, "leaf", time.Hour, ca2, nil)
	server1, server2 := chain(issue(t, "leaf", time.Hour, ca1, nil)), chain(issue(t, "leaf", time.Hour, ca2, nil))
	pool1, pool2 := x509.NewCertPool(), x509.NewCertPool()
	pool1.AddCert(ca1.cert)
	pool2.AddCert(ca2.cert)
	var second atomic.Bool
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := &tls.Config{
			Certificates: []tls.Certificate{server1}, ClientAuth: tls.RequireAndVerifyClientCert,
			ClientCAs: pool1,
		}
		if second.Load() {
			c.Certificates, c.ClientCAs = []tls.Certificate{server2}, pool2
		}
		return c, nil
	}, Certificates: []tls.Certificate{server1}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	put := func(ca, client *issued) {
		key, err := x509.MarshalPKCS8PrivateKey(client.key)
		if err != nil {
			t.Fatal(err)
		}
		replace(t, filepath.Join(dir, "key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
		replace(t, filepath.Join(dir, "cert"), string(pem.EncodeToMemory(&pem.Block{
			Type:  "CERTIFICATE",
			Bytes: client.cert.Raw,
		})))
		replace(t, filepath.Join(dir, "ca"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})))
	}
	put(ca1, client1)
	config := fmt.Sprintf("tls_config: {ca_file: %[1]s/ca, cert_file: %[1]s/cert, key_file: %[1]s/key}", dir)
	modules := filepath.Join(dir, "blackbox.yml")
	replace(
		t, modules,
		"modules:\n  web: {prober: http, http: {"+config+"}}\n  port: {prober: tcp, tcp: {tls: true, "+config+"}}\n")
	c, _ := start(t, policy(
		t,
		"  modules_file: "+modules+"\n  interval: 1s\n  timeout: 900ms\n  confirm: {probes: 10, interval: 1s}\n  checks:\n"+
			"    - {name: a, app_service: web, target: \""+srv.URL+"\", module: web}\n"+
			"    - {name: b, app_service: web, target: \""+srv.Listener.Addr().String()+"\", module: port}\n", ""), nil)
	eventually(t, "up", func() bool { return states(c) == "a up, b up" })
	second.Store(true)
	put(ca2, client2)
	rotated := value(t, c, metric.HealthCheckProbes, "result=success")
	eventually(t, "up with the new certificates", func() bool {
		return value(t, c, metric.HealthCheckProbes, "result=success") >= rotated+6 && states(c) == "a up, b up"
	})
	if n := value(t, c, metric.HealthCheckOutages); n != 0 {
		t.Errorf("%v outages", n)
	}
}

// What changes in the modules_file besides secrets waits for a reload, and a file that cannot be used changes nothing.
func TestModulesChangeByReloadOnly(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	modules := filepath.Join(t.TempDir(), "blackbox.yml")
	replace(t, modules, "modules: {m: {prober: http}}\n")
	p := policy(
		t, "  modules_file: "+modules+"\n"+quick+"    - {name: home, app_service: web, target: "+srv.URL+", module: m}\n", "")
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Version: "test"})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	var w modulesWatch
	for text, fails := range map[string]bool{
		"modules: {m: {prober: http, http: {valid_status_codes: [204]}}}\n": false,
		"modules: [\n": true, "": true,
	} {
		replace(t, modules, text)
		if err := c.refreshModules(t.Context(), &w); (err != nil) != fails {
			t.Errorf("%q: %v", text, err)
		}
		if m, _ := c.policy.Module("m"); len(m.HTTP.ValidStatusCodes) != 0 || c.policy != p {
			t.Errorf("%q is in force without a reload", text)
		}
	}
}
