package health

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/thorbis/thorbis_exporter/metric"
)

// listenAt returns a listener on an address of the loopback.
func listenAt(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// silentAt makes a port that answers no SYN: its queue of unaccepted connections is full.
func silentAt(t *testing.T, ip [4]byte, port int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: ip}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("%d.%d.%d.%d:%d", ip[0], ip[1], ip[2], ip[3], port)
	for range 10 {
		c, err := net.DialTimeout("tcp", address, 300*time.Millisecond)
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatalf("%s still accepts connections", address)
}

func portOf(t *testing.T, l net.Listener) (text string, number int) {
	t.Helper()
	number = l.Addr().(*net.TCPAddr).Port
	return fmt.Sprint(number), number
}

// A name whose first address is dead is up, as it is for every client: by every prober, whether the address refuses or
// is silent.
func TestEveryAddressOfANameIsTried(t *testing.T) {
	const name = "shop.example.com"
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if host, _, _ := net.SplitHostPort(r.Host); host != name {
			t.Errorf("Host %q", r.Host)
		}
	}))
	_ = web.Listener.Close()
	web.Listener = listenAt(t, "127.0.0.3:0")
	web.Start()
	t.Cleanup(web.Close)
	authority := make(chan string, 10)
	rpc := grpc.NewServer()
	service := &namedHealth{Server: health.NewServer(), authority: authority}
	grpc_health_v1.RegisterHealthServer(rpc, service)
	rpcListener := listenAt(t, "127.0.0.3:0")
	go func() { _ = rpc.Serve(rpcListener) }()
	t.Cleanup(rpc.Stop)

	for prober, l := range map[string]net.Listener{
		"http_2xx": web.Listener, "tcp_connect": web.Listener,
		"grpc_plain": rpcListener,
	} {
		for dead, silent := range map[string]bool{"refuses": false, "is silent": true} {
			t.Run(prober+" "+dead, func(t *testing.T) {
				port, number := portOf(t, l)
				ip := [4]byte{127, 0, 1, 2}
				switch prober { // a port of an address once
				case "tcp_connect":
					ip[3] = 4
				case "grpc_plain":
					ip[3] = 5
				}
				if silent {
					silentAt(t, ip, number)
				}
				first := net.IP(ip[:]).String()
				names := newNameServer(t)
				names.set(name, first, "127.0.0.3")
				r := request{module: builtin(prober), names: names.resolver(), timeout: 20 * time.Second}.of(name + ":" + port)
				m := r.examine(t.Context(), true, &reference{})
				if m.result != ok || m.addr.String() != "127.0.0.3" {
					t.Fatalf("%s %s by %s\n%s", m.result, m.reason, m.addr, debugText(m))
				}
				if s := m.silent(); len(s) != 1 || s[0].String() != first {
					t.Errorf("silent: %v", s)
				}
				if silent && m.end.Sub(m.start) < attemptDelay {
					t.Errorf("the first address had only %v", m.end.Sub(m.start))
				}
				if text := debugText(m); !strings.Contains(text, "127.0.0.3: answered") || !strings.Contains(text, first+": ") {
					t.Errorf("which address answered is not shown:\n%s", text)
				}
			})
		}
	}
	if got := <-authority; !strings.HasPrefix(got, name+":") {
		t.Errorf("gRPC asked for %q", got)
	}
}

// namedHealth notes by which name it is asked.
type namedHealth struct {
	*health.Server
	authority chan string
}

func (s *namedHealth) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (
	*grpc_health_v1.HealthCheckResponse, error,
) {
	select {
	case s.authority <- metadata.ValueFromIncomingContext(ctx, ":authority")[0]:
	default:
	}
	return s.Server.Check(ctx, r)
}

// A ping goes to every address too: what no network leads to (RFC 5737) comes first here.
func TestPingTriesEveryAddress(t *testing.T) {
	pingable(t)
	names := newNameServer(t)
	names.set("shop.example.com", "192.0.2.1", "127.0.0.1")
	r := request{module: builtin("icmp"), names: names.resolver(), timeout: 20 * time.Second}.of("shop.example.com")
	if m := r.examine(t.Context(), true, &reference{}); m.result != ok || m.addr.String() != "127.0.0.1" {
		t.Errorf("%s %s by %s\n%s", m.result, m.reason, m.addr, debugText(m))
	}
}

// The first address that accepts a connection is whose answer counts, whatever it says: clients try no other then.
func TestAddressThatAnswersIsTheAnswer(t *testing.T) {
	var other atomic.Int64
	bad1 := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}))
	_ = bad1.Listener.Close()
	bad1.Listener = listenAt(t, "127.0.0.2:0")
	port, _ := portOf(t, bad1.Listener)
	good := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other.Add(1) }))
	_ = good.Listener.Close()
	good.Listener = listenAt(t, "127.0.0.3:"+port)
	bad1.Start()
	good.Start()
	t.Cleanup(bad1.Close)
	t.Cleanup(good.Close)
	names := newNameServer(t)
	names.set("shop.example.com", "127.0.0.2", "127.0.0.3")
	r := request{
		module: builtin("http_2xx"), names: names.resolver(),
		timeout: 20 * time.Second,
	}.of("http://shop.example.com:" + port)
	if m := r.examine(t.Context(), false, &reference{}); m.result != bad || m.reason != reasonStatus ||
		m.addr.String() != "127.0.0.2" || other.Load() != 0 {
		t.Errorf("%s %s by %s, the other was asked %d times", m.result, m.reason, m.addr, other.Load())
	}
}

// Where no address answers the reason is the first one's, and the timeout holds for all of them together.
func TestNoAddressAnswers(t *testing.T) {
	l := listenAt(t, "127.0.0.3:0")
	port, number := portOf(t, l)
	_ = l.Close()
	silentAt(t, [4]byte{127, 0, 1, 7}, number)
	names := newNameServer(t)
	for first, tc := range map[string]struct {
		addrs  []string
		reason string
	}{
		"silent first":  {[]string{"127.0.1.7", "127.0.0.2"}, reasonTimeout},
		"refused first": {[]string{"127.0.0.2", "127.0.1.7"}, reasonRefused},
		"refused all":   {[]string{"127.0.0.2", "127.0.0.3"}, reasonRefused},
	} {
		names.set("shop.example.com", tc.addrs...)
		r := request{
			module: builtin("tcp_connect"), names: names.resolver(),
			timeout: 5 * time.Second,
		}.of("shop.example.com:" + port)
		if first == "refused all" { // nothing else is to reach its time, however busy the machine is
			r.timeout = 20 * time.Second
		}
		m := r.examine(t.Context(), false, &reference{})
		if m.result != bad || m.reason != tc.reason || len(m.attempts) != 2 {
			t.Errorf("%s: %s %s %v", first, m.result, m.reason, m.attempts)
		}
		if took := m.end.Sub(m.start); took > 20*time.Second {
			t.Errorf("%s: it took %v", first, took)
		}
	}
}

// The status shows which address answered; no series does.
func TestStatusShowsTheAddress(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	port, _ := portOf(t, srv.Listener)
	names := newNameServer(t)
	names.set("shop.example.com", "127.0.0.9", "127.0.0.1")
	c := startWith(t, policy(
		t, quick+"    - {name: home, app_service: web, target: \"http://shop.example.com:"+port+"\"}\n", ""),
		names.resolver())
	s := await(t, c, "up", is(metric.StateUp))
	if s.Address != "127.0.0.1" || len(s.SilentAddresses) != 1 || s.SilentAddresses[0] != "127.0.0.9" {
		t.Errorf("%+v", s)
	}
	for _, f := range c.Families() {
		for sample := range f.Samples {
			var out dto.Metric
			if err := f.Metric.Constant(sample).Write(&out); err != nil {
				t.Fatal(err)
			}
			if text := out.String(); strings.Contains(text, "127.0.0.") {
				t.Errorf("an address is a label: %s", text)
			}
		}
	}
}

// A module that prefers IPv4 is not saved by IPv6, one that prefers IPv6 is by IPv4, and one that takes a single family
// gets no other.
func TestFamiliesOfAddresses(t *testing.T) {
	names := newNameServer(t)
	names.set("both.example.com", "127.0.0.2", "::2", "127.0.0.3", "::3")
	names.set("six.example.com", "::2")
	for _, tc := range []struct {
		preferred string
		fallback  bool
		host      string
		want      string
	}{
		{"ip4", true, "both.example.com", "[127.0.0.2 127.0.0.3]"},
		{"ip4", true, "six.example.com", "[::2]"},
		{"ip4", false, "six.example.com", "[]"},
		{"ip4", false, "both.example.com", "[127.0.0.2 127.0.0.3]"},
		{"", false, "both.example.com", "[::2 ::3]"},
		{"ip6", true, "both.example.com", "[::2 ::3 127.0.0.2 127.0.0.3]"},
	} {
		m := *builtin("tcp_connect")
		m.TCP.IPProtocol, m.TCP.IPProtocolFallback = tc.preferred, tc.fallback
		addrs, err := addressesOf(t.Context(), names.resolver(), &m, tc.host)
		if got := fmt.Sprint(addrs); got != tc.want || (err == nil) != (tc.want != "[]") {
			t.Errorf("%s, fallback %v: %s gives %s, %v", tc.preferred, tc.fallback, tc.host, got, err)
		}
	}
}

// A name with letters outside ASCII is looked up and asked for as DNS has it, by every prober.
func TestInternationalNames(t *testing.T) {
	var host atomic.Pointer[string]
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { host.Store(&r.Host) }))
	t.Cleanup(srv.Close)
	port, _ := portOf(t, srv.Listener)
	names := newNameServer(t)
	names.set("xn--bcher-kva.example", "127.0.0.1")
	c := startWith(t, policy(
		t, quick+"    - {name: a, app_service: web, target: \"http://bücher.example:"+port+"/straße\"}\n"+
			"    - {name: b, app_service: web, target: \"Bücher.example:"+port+"\", module: tcp_connect}\n", ""),
		names.resolver())
	eventually(t, "up", func() bool { return states(c) == "a up, b up" })
	if got := *host.Load(); got != "xn--bcher-kva.example:"+port {
		t.Errorf("Host %q", got)
	}
	if !c.Configured("Bücher.example:"+port, "tcp_connect") {
		t.Error("/probe does not know the target as it is written")
	}
}

func TestTargetsAtAnotherHost(t *testing.T) {
	for _, tc := range []struct{ prober, target, host, want string }{
		{"http", "https://example.com/a?b=c", "192.0.2.1", "https://192.0.2.1/a?b=c"},
		{"http", "example.com:8080/a", "2001:db8::1", "http://[2001:db8::1]:8080/a"},
		{"http", "http://example.com", "2001:db8::1", "http://[2001:db8::1]"},
		{"tcp", "example.com:443", "2001:db8::1", "[2001:db8::1]:443"},
		{"dns", "example.com", "2001:db8::1", "2001:db8::1"},
		{"dns", "example.com:53", "192.0.2.1", "192.0.2.1:53"},
		{"icmp", "example.com", "192.0.2.1", "192.0.2.1"},
		{"grpc", "example.com", "2001:db8::1", "[2001:db8::1]"},
		{"grpc", "https://example.com:443", "192.0.2.1", "https://192.0.2.1:443"},
	} {
		if got := atHost(tc.prober, tc.target, tc.host); got != tc.want {
			t.Errorf("%s of %s: %s, want %s", tc.target, tc.prober, got, tc.want)
		}
	}
}
