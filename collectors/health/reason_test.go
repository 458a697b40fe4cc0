package health

import (
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// What the exporter itself lacks is no failure of the target, and what gRPC passes on as text has the reason of the
// error.
func TestReasonsOfErrors(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return fmt.Errorf("probe: %w", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", errno)})
	}
	for name, tc := range map[string]struct {
		err            error
		result, reason string
	}{
		"no descriptors":      {dial(syscall.EMFILE), metric.ResultUnknown, reasonProberError},
		"none on the machine": {dial(syscall.ENFILE), metric.ResultUnknown, reasonProberError},
		"not permitted":       {dial(syscall.EPERM), metric.ResultUnknown, reasonProberError},
		"no access":           {dial(syscall.EACCES), metric.ResultUnknown, reasonProberError},
		"no buffers":          {dial(syscall.ENOBUFS), metric.ResultUnknown, reasonProberError},
		"no memory":           {dial(syscall.ENOMEM), metric.ResultUnknown, reasonProberError},
		"no ports":            {dial(syscall.EADDRNOTAVAIL), metric.ResultUnknown, reasonProberError},
		"a file of the module": {
			&fs.PathError{Op: "open", Path: "/ca.pem", Err: syscall.ENOENT}, metric.ResultUnknown,
			reasonProberError,
		},
		"the target's socket": {&net.OpError{
			Op: "dial", Net: "unix",
			Err: os.NewSyscallError("connect", syscall.ENOENT),
		}, bad, reasonUnexpectedAnswer},
		"refused":     {dial(syscall.ECONNREFUSED), bad, reasonRefused},
		"no route":    {dial(syscall.EHOSTUNREACH), bad, reasonUnreachable},
		"broken pipe": {dial(syscall.EPIPE), bad, reasonReset},
		"gRPC, closed": {
			errors.New(
				`rpc error: code = Unavailable desc = connection error: desc = "error reading server preface: EOF"`), bad,
			reasonReset,
		},
		"gRPC, name": {
			errors.New(
				"rpc error: code = Unavailable desc = dns: A record lookup error: lookup x.invalid: no such host"), bad,
			reasonDNSNotFound,
		},
		"gRPC, too late": {
			errors.New("rpc error: code = DeadlineExceeded desc = context deadline exceeded"), bad,
			reasonTimeout,
		},
		"gRPC, expired certificate": {errors.New(
			`desc = "transport: authentication handshake failed: tls: failed to verify certificate: x509: ` +
				`certificate has expired"`), bad, reasonCertExpired},
		"gRPC, certificate": {
			errors.New(
				`desc = "tls: failed to verify certificate: x509: certificate signed by unknown authority"`), bad,
			reasonCertInvalid,
		},
		"gRPC, no TLS": {
			errors.New(
				`desc = "transport: authentication handshake failed: tls: first record does not look like a TLS handshake"`), bad,
			reasonTLS,
		},
	} {
		result, reason := classify("grpc", []record{{err: tc.err}}, false)
		if result != tc.result || reason != tc.reason {
			t.Errorf("%s: %s %s, want %s %s", name, result, reason, tc.result, tc.reason)
		}
	}
	if result, reason := classify("http", nil, true); result != metric.ResultFailure || reason != reasonTimeout {
		t.Errorf("an end of time: %s %s", result, reason)
	}
}

// Each way to fail has the right reason.
func TestReasons(t *testing.T) {
	expired := expiredServer(t)
	hang := rawServer(t, func(c net.Conn) { <-t.Context().Done(); c.Close() })
	garbage := rawServer(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 512))
		fmt.Fprint(c, "\x00\x01garbage\r\n\r\n")
		c.Close()
	})
	reset := rawServer(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 512)); c.Close() })
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		case "/zeros":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 3<<20))
			_ = z.Close()
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write(make([]byte, 3<<20))
		case "/long-cached":
			w.Header().Set("X-Vercel-Cache", "HIT")
			_, _ = w.Write(make([]byte, 3<<20))
		case "/cut":
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write(make([]byte, 100))
		case "/drip":
			for r.Context().Err() == nil {
				fmt.Fprint(w, "x")
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(50 * time.Millisecond):
				}
			}
		case "/cached":
			w.Header().Set("X-Vercel-Cache", "HIT")
		case "/challenge":
			w.Header().Set("Cf-Mitigated", "challenge")
			w.WriteHeader(http.StatusForbidden)
		case "/vercel-challenge":
			w.Header().Set("X-Vercel-Mitigated", "challenge")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/vercel-denied":
			w.Header().Set("X-Vercel-Mitigated", "deny")
			w.WriteHeader(http.StatusForbidden)
		case "/cloudflare-cached":
			w.Header().Set("Cf-Cache-Status", "HIT")
		case "/cloudflare-stale":
			w.Header().Set("Cf-Cache-Status", "UPDATING")
		case "/cloudflare-asked":
			w.Header().Set("Cf-Cache-Status", "DYNAMIC")
			w.Header().Set("X-Vercel-Cache", "MISS")
		case "/old":
			w.Header().Set("Age", "37")
		case "/young":
			w.Header().Set("Age", "0")
		case "/forbidden":
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(web.Close) // parallel subtests outlive this function
	selfSigned := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(selfSigned.Close)
	modules := filepath.Join(t.TempDir(), "blackbox.yml")
	if err := os.WriteFile(modules, []byte(
		"modules:\n  wants_body: {prober: http, http: {fail_if_body_not_matches_regexp: [welcome]}}\n"+
			"  limited: {prober: http, http: {body_size_limit: 1MB}}\n  plain: {prober: http}\n"+
			"  gzip: {prober: http, http: {compression: gzip}}\n"+
			"  wants_tls: {prober: http, http: {fail_if_not_ssl: true}}\n"+
			"  wants_http2: {prober: http, http: {valid_http_versions: [HTTP/2.0]}}\n"+
			"  wants_header: {prober: http, http: {fail_if_header_not_matches: [{header: X-Region, regexp: fra}]}}\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ target, module, result, reason string }{
		"hang":         {"http://" + hang, "http_2xx", bad, reasonTimeout},
		"garbage":      {"http://" + garbage, "http_2xx", bad, reasonProtocol},
		"closed":       {"http://" + reset, "http_2xx", bad, reasonReset},
		"refused":      {"http://127.0.0.1:1", "http_2xx", bad, reasonRefused},
		"tcp refused":  {"127.0.0.1:1", "tcp_connect", bad, reasonRefused},
		"expired":      {expired, "http_2xx", bad, reasonCertExpired},
		"self-signed":  {selfSigned.URL, "http_2xx", bad, reasonCertInvalid},
		"tls to plain": {"https://" + web.Listener.Addr().String(), "http_2xx", bad, reasonTLS},
		"no such name": {"http://no-such-name.invalid/", "http_2xx", bad, reasonDNSNotFound},
		"endless":      {web.URL + "/endless", "http_2xx", ok, ""},
		"limited":      {web.URL + "/endless", "limited", bad, reasonBodyTooLarge},
		"looked into":  {web.URL + "/endless", "wants_body", bad, reasonBodyTooLarge},
		"own module":   {web.URL + "/endless", "plain", ok, ""},
		"compressed":   {web.URL + "/zeros", "gzip", ok, ""},
		"long and 500": {web.URL + "/broken", "http_2xx", bad, reasonStatus},
		"long, cached": {web.URL + "/long-cached", "http_2xx", unk, reasonCached},
		"long, no TLS": {web.URL + "/endless", "wants_tls", bad, reasonTLS},
		"long, HTTP/2": {web.URL + "/endless", "wants_http2", bad, reasonProtocol},
		"cut off":      {web.URL + "/cut", "http_2xx", bad, reasonReset},
		"drip":         {web.URL + "/drip", "http_2xx", bad, reasonTimeout},
		"forbidden":    {web.URL + "/forbidden", "http_2xx", bad, reasonStatus},
		"cached":       {web.URL + "/cached", "http_2xx", unk, reasonCached},
		"challenge":    {web.URL + "/challenge", "http_2xx", unk, reasonChallenge},

		"challenge of Vercel":    {web.URL + "/vercel-challenge", "http_2xx", unk, reasonChallenge},
		"denied by Vercel":       {web.URL + "/vercel-denied", "http_2xx", bad, reasonStatus},
		"cached by Cloudflare":   {web.URL + "/cloudflare-cached", "http_2xx", unk, reasonCached},
		"stale of Cloudflare":    {web.URL + "/cloudflare-stale", "http_2xx", unk, reasonCached},
		"asked past both caches": {web.URL + "/cloudflare-asked", "http_2xx", ok, ""},
		"old":                    {web.URL + "/old", "http_2xx", unk, reasonCached},
		"young":                  {web.URL + "/young", "http_2xx", ok, ""},

		"body mismatch": {web.URL + "/", "wants_body", bad, reasonBody},
		"header":        {web.URL + "/", "wants_header", bad, reasonHeader},
		"fine":          {web.URL + "/", "http_2xx", ok, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(
				t, "  timeout: 900ms\n  modules_file: "+modules+
					"\n  checks:\n    - {name: home, app_service: web, target: \"http://x\"}\n", "")
			check := *p.Health.Checks[0]
			check.Module = tc.module
			req, err := newRequest(p, &check, tc.target, "test")
			if err != nil {
				t.Fatal(err)
			}
			if tc.reason != reasonTimeout {
				req.timeout = 25 * time.Second // a busy machine is no timeout
			}
			m := req.examine(t.Context(), false, &reference{})
			if m.result != tc.result || m.reason != tc.reason {
				t.Errorf("%s %s, want %s %s\n%s", m.result, m.reason, tc.result, tc.reason, m.log.text())
			}
		})
	}
}

func rawServer(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().String()
}

func expiredServer(t *testing.T) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL
}
