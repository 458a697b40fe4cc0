package tenant

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// server is a real program in front of a backend, and the log that it writes.
type server struct {
	program string
	args    []string // {config} is its configuration file
	config  string   // {address}, {backend} and {dir} are replaced
	format  string
	fields  map[string]string
	stdout  bool // the log is its standard output; otherwise {dir}/access.log
	http2   bool
	hosts   bool // the log names hosts
	stop    syscall.Signal
	left    string // the class of a request whose client left; empty where the log does not show it
}

const (
	nginxConfig = `daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;
events {}
http {
  client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir}; uwsgi_temp_path {dir};
  scgi_temp_path {dir};
  %s
  access_log {dir}/access.log test;
  server { listen {address}; location / { proxy_pass http://{backend}; proxy_set_header Host $http_host; } }
}
`
	nginxHead = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" ` +
		`"$http_user_agent"`
	nginxMain   = `log_format test '` + nginxHead + ` "$http_x_forwarded_for"';`
	nginxNamed  = `log_format test '` + nginxHead + ` "$host" $request_time';`
	nginxIngres = `log_format test '` + nginxHead + ` $request_length $request_time [a-b-80] [] $upstream_addr ` +
		`$upstream_response_length $upstream_response_time $upstream_status $request_id';`
	nginxObject = `log_format test escape=json '{"msec":$msec,"host":"$host","request_uri":"$request_uri",` +
		`"status":"$status","request_time":$request_time,"bytes_sent":$bytes_sent,"http_user_agent":"$http_user_agent"}';`

	apacheConfig = `ServerRoot {dir}
ServerName localhost
PidFile {dir}/pid
Listen {address}
ErrorLog {dir}/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" vhost_combined
CustomLog {dir}/access.log vhost_combined
ProxyPass / http://{backend}/
ProxyPreserveHost On
<VirtualHost *>
  ServerName acme.example.com
  ProxyPass / http://{backend}/
</VirtualHost>
<VirtualHost *>
  ServerName globex.example.com
  ProxyPass / http://{backend}/
</VirtualHost>
`

	haproxyConfig = `global
  log stdout format raw local0 info
defaults
  mode http
  log global
  option abortonclose
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend web
  bind {address}%s
  %s
  default_backend app
backend app
  http-request set-header X-Seen %%[req.hdr(host)]
  server one {backend}
`
	haproxyCapture = "http-request capture req.hdr(x-forwarded-for) len 64\n" +
		"  http-request capture req.hdr(host) len 128\n  option httplog"
	haproxyObject = "http-request capture req.hdr(host) len 128\n  log-format " +
		`'{"time":%Ts.%ms,"client_address":"%ci","host":"%[capture.req.hdr(0),json(utf8s)]",` +
		`"uri":"%[capture.req.uri,json(utf8s)]","status":%ST,"duration":%Ta,"bytes":%B,"termination_state":"%tsc"}'`
)

// Totals by tenant and class equal the requests that were sent through the real program. What a client sends as
// X-Forwarded-For, User-Agent or user name never leads to another tenant.
func TestServersLogs(t *testing.T) {
	nginx := func(format, logFormat string, hosts bool) server {
		return server{
			program: "nginx", args: []string{"-c", "{config}", "-e", "{dir}/error.log"}, format: format, hosts: hosts,
			config: fmt.Sprintf(nginxConfig, logFormat), stop: syscall.SIGQUIT, left: "4xx",
		}
	}
	haproxy := func(format, bind, front string, fields map[string]string) server {
		return server{
			program: "haproxy", args: []string{"-db", "-f", "{config}"}, format: format, fields: fields, stdout: true,
			hosts: true, config: fmt.Sprintf(haproxyConfig, bind, front), stop: syscall.SIGTERM, left: "4xx", http2: bind != "",
		}
	}
	for name, s := range map[string]server{
		"nginx, main":             nginx("nginx-main", nginxMain, false),
		"nginx, main as combined": nginx("combined", nginxMain, false),
		"nginx, host and time":    nginx("combined", nginxNamed, true),
		"nginx, JSON":             nginx("nginx-json", nginxObject, true),
		"nginx, ingress":          nginx("ingress-nginx", nginxIngres, false),
		"HAProxy":                 haproxy("haproxy", "", haproxyCapture, map[string]string{"host": "capture.2"}),
		"HAProxy, HTTP/2":         haproxy("haproxy", " proto h2", "option httplog", nil),
		"HAProxy, JSON":           haproxy("haproxy-json", "", haproxyObject, nil),
		"Apache, virtual hosts": {
			program: "apache2", args: []string{"-X", "-f", "{config}"}, format: "apache-vhost", config: apacheConfig,
			hosts: true, stop: syscall.SIGTERM,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.test(t)
		})
	}
}

func (s server) test(t *testing.T) {
	path, err := exec.LookPath(s.program)
	if err != nil {
		t.Skipf("%s is not installed: its log is not tried", s.program)
	}
	backend := newBackend(t)
	dir, address := t.TempDir(), testkit.FreeAddress(t)
	fill := strings.NewReplacer("{address}", address, "{backend}", backend.address, "{dir}", dir,
		"{config}", filepath.Join(dir, "config")).Replace
	testkit.WriteFile(t, filepath.Join(dir, "config"), fill(s.config))
	var args []string
	for _, arg := range s.args {
		args = append(args, fill(arg))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var stdout, stderr testkit.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			errors, _ := os.ReadFile(filepath.Join(dir, "error.log"))
			t.Logf("%s\n%s", stderr.String(), errors)
		}
	})
	testkit.Eventually(t, func() bool { return listens(address) }, "%s to listen: %v", s.program,
		testkit.Last(func() any { return stderr.String() }))
	log := filepath.Join(dir, "access.log")
	written := func() string {
		if s.stdout {
			return stdout.String()
		}
		text, _ := os.ReadFile(log)
		return string(text)
	}
	want := s.send(t, address, backend)
	if s.left != "" {
		testkit.Eventually(t, func() bool { return strings.Contains(written(), "/wait") }, "the request that was aborted")
	}
	if err := cmd.Process.Signal(s.stop); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // some programs report the signal that ends them
	if s.stdout {
		testkit.WriteFile(t, log, written())
	}
	got, sum := s.countedOf(t, log)
	for key, n := range want {
		if got[key] != n {
			t.Errorf("%s: %d requests, %d were sent", key, got[key], n)
		}
		delete(got, key)
	}
	if len(got) > 0 || len(sum.Unreadable) > 0 || sum.Skipped["syntax"]+sum.Skipped["no_status"] > 0 {
		t.Errorf("more than was sent: %v, %+v\n%s", got, sum, written())
	}
}

func listens(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// backend answers with the status in the path. It never answers /wait.
type backend struct {
	address string
	waiting atomic.Int64
}

func newBackend(t *testing.T) *backend {
	b := &backend{}
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			b.waiting.Add(1)
			select {
			case <-r.Context().Done():
			case <-done:
			}
			return
		}
		status, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/status/"))
		if err != nil {
			status = http.StatusTeapot
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "answer")
	}))
	t.Cleanup(func() { close(done); srv.Close() })
	b.address = srv.Listener.Addr().String()
	return b
}

// send sends requests and returns how many of each tenant and class there were.
func (s server) send(t *testing.T, address string, b *backend) map[string]uint64 {
	want := map[string]uint64{}
	client := &http.Client{
		Transport:     &http.Transport{Protocols: &http.Protocols{}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	transport := client.Transport.(*http.Transport)
	transport.Protocols.SetHTTP1(!s.http2)
	transport.Protocols.SetUnencryptedHTTP2(s.http2)
	defer transport.CloseIdleConnections()
	count := func(tenant, class string) {
		if !s.hosts {
			tenant = "_unknown"
		}
		want[tenant+" "+class]++
	}
	request := func(ctx context.Context, tenant, path string) *http.Request {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tenant + ".example.com"
		req.Header.Set("X-Forwarded-For", "victim.example.com")
		req.Header.Set("User-Agent", `x" "victim.example.com" 0.1`)
		req.SetBasicAuth(`[01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "`, "x")
		return req
	}
	for tenant, times := range map[string]int{"acme": 2, "globex": 1} {
		for _, status := range []int{200, 200, 204, 302, 404, 500, 503, 503} {
			for range times {
				resp, err := client.Do(request(t.Context(), tenant, fmt.Sprintf("/status/%d?a=%%22", status)))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != status {
					t.Fatalf("%d, want %d", resp.StatusCode, status)
				}
				count(tenant, fmt.Sprintf("%dxx", status/100))
			}
		}
	}
	if s.left != "" {
		before := b.waiting.Load()
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			resp, err := client.Do(request(ctx, "acme", "/wait"))
			if err == nil {
				_ = resp.Body.Close()
			}
			gone <- err
		}()
		testkit.Eventually(t, func() bool { return b.waiting.Load() > before }, "the request to arrive")
		leave()
		if err := <-gone; err == nil {
			t.Fatal("the client did not leave")
		}
		count("acme", s.left)
	}
	return want
}

var requestSeries = regexp.MustCompile(
	`(?m)^thorbis_tenant_requests_total\{.*tenant="([^"]+)",code_class="(\dxx)"\} (\d+)$`)

// countedOf reads a log and returns the requests by tenant and class.
func (s server) countedOf(t *testing.T, log string) (map[string]uint64, Summary) {
	p, err := config.Load(policytest.File(t, t.TempDir(), `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
tenants: {host: "{tenant}.example.com", sources: [{file: x, format: `+s.format+`, app_service: web}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	src := *p.Tenants.Sources[0]
	src.File, src.Stdin, src.Fields = "", true, s.fields
	var page bytes.Buffer
	sum, err := Once(t.Context(), Options{Logger: slog.New(slog.DiscardHandler)}, p, &src, []string{log}, &page, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, m := range requestSeries.FindAllStringSubmatch(page.String(), -1) {
		if n, _ := strconv.ParseUint(m[3], 10, 64); n > 0 {
			got[m[1]+" "+m[2]] = n
		}
	}
	return got, sum
}
