package health

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// The parameter hostname of /probe works as the blackbox_exporter's: it is the Host header, and the name in the TLS
// handshake.
func TestHostnameOfAProbe(t *testing.T) {
	leaf := issue(t, "leaf", time.Hour, nil, nil)
	var host, sni atomic.Value
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter,
		r *http.Request,
	) {
		host.Store(r.Host)
	}))
	srv.TLS = &tls.Config{
		Certificates: []tls.Certificate{chain(leaf)},
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			sni.Store(h.ServerName)
			return nil, nil
		},
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	port, _ := portOf(t, srv.Listener)
	dir := t.TempDir()
	ca, key := writePEM(t, leaf), filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("s3cr3t-value"), 0o600); err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(dir, "blackbox.yml")
	trust := "tls_config: {ca_file: " + ca + "}"
	replace(
		t,
		modules, "modules:\n  web: {prober: http, http: {"+trust+"}}\n  port: {prober: tcp, tcp: {tls: true, "+trust+"}}\n"+
			"  own: {prober: http, http: {headers: {host: other.example.com}, "+trust+
			"}}\n  auth: {prober: http, http: {basic_auth: {username: u, password: p}, "+trust+"}}\n")
	names := newNameServer(t)
	names.set("edge.example.com", "127.0.0.1")
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Version: "test", Resolver: names.resolver()})
	if err := collectors.Apply(c, policy(
		t, "  timeout: 20s\n  interval: 1m\n  modules_file: "+modules+
			"\n  checks:\n    - {name: a, app_service: web, target: \"https://edge.example.com:"+port+"/x\", module: web}\n"+
			"    - {name: b, app_service: web, target: \"https://edge.example.com:"+port+
			"/y\", module: web, secret_headers: {x-key: {file: "+key+"}}}\n", "")); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"127.0.0.1:" + port, "edge.example.com:" + port} {
		for module, url := range map[string]string{"web": "https://" + target, "port": target} {
			host.Store("")
			sni.Store("")
			r, err := c.Probe(t.Context(), ProbeRequest{Target: url, Module: module, Hostname: "shop.example.com"})
			if err != nil || !r.Success {
				t.Fatalf("%s of %s: %v %s\n%s", module, url, err, r.Reason, r.Debug)
			}
			if module == "web" && host.Load() != "shop.example.com" || sni.Load() != "shop.example.com" {
				t.Errorf("%s of %s: Host %q, name in TLS %q", module, url, host.Load(), sni.Load())
			}
		}
	}
	for name, tc := range map[string]struct {
		p    ProbeRequest
		want string
	}{
		"conflict": {
			ProbeRequest{Target: srv.URL, Module: "own", Hostname: "shop.example.com"},
			"defined both in module configuration",
		},
		"secret header": {ProbeRequest{
			Target: "https://edge.example.com:" + port + "/y", Module: "web",
			Hostname: "shop.example.com",
		}, ErrHostname.Error()},
		"secret module":  {ProbeRequest{Target: srv.URL, Module: "auth", Hostname: "shop.example.com"}, ErrHostname.Error()},
		"line in a name": {ProbeRequest{Target: srv.URL, Module: "web", Hostname: "a\r\nb: c"}, "invalid hostname"},
	} {
		if _, err := c.Probe(t.Context(), tc.p); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := c.Probe(t.Context(), ProbeRequest{
		Target: srv.URL, Module: "auth", Hostname: "shop.example.com",
		AnyTarget: true,
	}); err != nil || !r.Success {
		t.Errorf("with any target: %v %s", err, r.Reason)
	}
	if _, err := c.Probe(t.Context(), ProbeRequest{
		Target: net.JoinHostPort("127.0.0.1", port), Module: "auth",
		Hostname: "x",
	}); !errors.Is(err, ErrHostname) {
		t.Errorf("%v", err)
	}
}
