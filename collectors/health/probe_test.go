package health

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/thorbis/thorbis_exporter/config"
)

func mustModule(t *testing.T, name string) *bbconfig.Module {
	t.Helper()
	m := builtin(name)
	if m.Prober == "" {
		t.Fatal("no module", name)
	}
	return m
}

// builtin returns a module that every policy has.
func builtin(name string) *bbconfig.Module {
	p, err := config.Default(":10088")
	if err != nil {
		panic(err)
	}
	m, _ := p.Module(name)
	return &m
}

// grpcServer runs gRPC's own health service.
func grpcServer(t *testing.T, status grpc_health_v1.HealthCheckResponse_ServingStatus) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	service := health.NewServer()
	service.SetServingStatus("", status)
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, service)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return l.Addr().String()
}

// silentGRPC accepts every call and never answers it.
func silentGRPC(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		<-stream.Context().Done()
		return stream.Context().Err()
	}))
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return l.Addr().String()
}

// The probers other than http fail for the right reason too, and in time.
func TestReasonsOfOtherProbers(t *testing.T) {
	listens := filepath.Join(t.TempDir(), "listens.sock")
	l, err := net.Listen("unix", listens)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	accepts := rawServer(t, func(c net.Conn) { <-t.Context().Done(); c.Close() })
	unix := &bbconfig.Module{Prober: "unix"}
	dialogue := &bbconfig.Module{Prober: "tcp", TCP: bbconfig.TCPProbe{
		IPProtocolFallback: true, QueryResponse: []bbconfig.QueryResponse{
			{Send: "AUTH PLAIN c2VjcmV0"},
			{Expect: bbconfig.MustNewRegexp("^OK$")},
		},
	}}
	greets := rawServer(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 64))
		_, _ = c.Write([]byte("NO\n"))
		c.Close()
	})
	dns := &bbconfig.Module{Prober: "dns", DNS: bbconfig.DNSProbe{
		IPProtocolFallback: true, QueryName: "example.com", QueryType: "A", TransportProtocol: "tcp",
	}}
	plain := mustModule(t, "grpc_plain")
	for name, tc := range map[string]struct {
		target         string
		module         *bbconfig.Module
		result, reason string
	}{
		"grpc serving": {grpcServer(t, grpc_health_v1.HealthCheckResponse_SERVING), plain, ok, ""},
		"grpc not serving": {
			grpcServer(t, grpc_health_v1.HealthCheckResponse_NOT_SERVING), plain, bad,
			reasonUnexpectedAnswer,
		},
		"grpc silent":  {silentGRPC(t), plain, bad, reasonTimeout},
		"grpc accepts": {accepts, plain, bad, reasonTimeout},
		"grpc refused": {"127.0.0.1:1", plain, bad, reasonRefused},
		"unix listens": {listens, unix, ok, ""},
		"dialogue":     {greets, dialogue, bad, reasonUnexpectedAnswer},
		"dns refused":  {"127.0.0.1:1", dns, bad, reasonRefused},
		"dns silent":   {accepts, dns, bad, reasonTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			timeout := time.Minute
			if tc.reason == reasonTimeout { // nothing else is to reach it, however busy the machine is
				timeout = 900 * time.Millisecond
			}
			m := request{target: tc.target, module: tc.module, timeout: timeout}.examine(t.Context(), true, &reference{})
			if m.result != tc.result || m.reason != tc.reason {
				t.Errorf("%s %s, want %s %s\n%s", m.result, m.reason, tc.result, tc.reason, m.log.text())
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if text := debugText(m); strings.Contains(text, "c2VjcmV0") {
				t.Errorf("what is sent is shown:\n%s", text)
			}
		})
	}
}

// A secret header stays with the host that it is meant for.
func TestSecretHeaderIsNotRedirected(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked, with X-Api-Key %q", r.Header.Get("X-Api-Key"))
	}))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != "s3cr3t" {
			t.Errorf("X-Api-Key %q", r.Header.Get("X-Api-Key"))
		}
		http.Redirect(w, r, other.URL, http.StatusFound)
	}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("s3cr3t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := policy(
		t, quick+
			"    - {name: home, app_service: web, target: \""+srv.URL+"\", secret_headers: {x-api-key: {file: "+file+"}}}\n", "")
	r, err := newRequest(p, p.Health.Checks[0], srv.URL, "test")
	if err != nil {
		t.Fatal(err)
	}
	m := r.run(t.Context(), true)
	if m.result != bad || m.reason != reasonStatus {
		t.Errorf("%s %s", m.result, m.reason)
	}
	if text := debugText(m); strings.Contains(text, "s3cr3t") {
		t.Errorf("the secret is shown:\n%s", text)
	}
}

func TestTargetsAreShownWithoutTheirSecrets(t *testing.T) {
	for target, want := range map[string]string{
		"https://example.com/healthz":           "https://example.com/healthz",
		"https://example.com/?token=t0k3n":      "https://example.com/?<not shown>",
		"https://user:pa55@example.com/a?b=c@d": "https://<not shown>@example.com/a?<not shown>",
		"example.com:443":                       "example.com:443",
	} {
		if got := shown(target); got != want {
			t.Errorf("%s is shown as %s, want %s", target, got, want)
		}
	}
}

// A prober that ignores its time is left to itself, and with too many of them no more are begun.
func TestProberThatNeverEndsIsLeft(t *testing.T) {
	abandoned.Store(maxAbandoned)
	defer abandoned.Store(0)
	m := request{
		target: "127.0.0.1:1", module: mustModule(t, "tcp_connect"),
		timeout: time.Second,
	}.run(context.Background(), false)
	if m.result != unk || m.reason != reasonProberError {
		t.Errorf("%s %s", m.result, m.reason)
	}
}

// A body that never ends takes a bounded part of the memory, also by a module that looks into it and names no limit.
func TestEndlessBodyIsBounded(t *testing.T) {
	const most = 100 << 20 // what a body of 10 MiB may take while it grows, with room for the collector to be late
	var sent atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		piece := bytes.Repeat([]byte("x"), 1<<20)
		for r.Context().Err() == nil {
			n, err := w.Write(piece)
			if err != nil {
				return
			}
			if sent.Add(int64(n)) > 3*most { // as good as endless, and the test's own machine goes on
				<-r.Context().Done()
			}
		}
	}))
	defer srv.Close()
	modules := filepath.Join(t.TempDir(), "blackbox.yml")
	if err := os.WriteFile(modules, []byte("modules:\n"+
		"  regexp: {prober: http, http: {fail_if_body_not_matches_regexp: [welcome]}}\n"+
		"  forbidden: {prober: http, http: {fail_if_body_matches_regexp: [error]}}\n"+
		"  cel: {prober: http, http: {fail_if_body_json_not_matches_cel: \"body.ok == true\"}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := policy(
		t, "  timeout: 1m\n  interval: 2m\n  modules_file: "+modules+
			"\n  checks:\n    - {name: home, app_service: web, target: \"http://x\"}\n", "")
	for _, module := range []string{"regexp", "forbidden", "cel"} {
		check := *p.Health.Checks[0]
		check.Module = module
		req, err := newRequest(p, &check, srv.URL, "test")
		if err != nil {
			t.Fatal(err)
		}
		sent.Store(0)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m := req.examine(t.Context(), false, &reference{})
		runtime.ReadMemStats(&after)
		if m.result != bad || m.reason != reasonBodyTooLarge {
			t.Errorf("%s: %s %s\n%s", module, m.result, m.reason, m.log.text())
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > most {
			t.Errorf("%s: %d MiB were allocated for one probe, after %d MiB were sent", module, took>>20, sent.Load()>>20)
		}
	}
}

func TestEveryReasonIsExplained(t *testing.T) {
	all := slices.Concat(failureReasons, unknownReasons, []string{reasonStale, reasonStarting})
	for _, reason := range all {
		if Explain(reason) == "" {
			t.Errorf("what %s means is not said", reason)
		}
	}
	if len(all) != len(explanations) {
		t.Errorf("%d reasons, %d explanations", len(all), len(explanations))
	}
}
