package health

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer is a DNS server on the loopback.
type nameServer struct {
	conn net.PacketConn

	mu    sync.Mutex
	zone  map[string][]netip.Addr     // by lower-case name with its dot
	fails map[string]dnsmessage.RCode // by name; "" is for every name
	mute  bool                        // answers nothing
}

func newNameServer(t *testing.T) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{conn: conn, zone: map[string][]netip.Addr{}, fails: map[string]dnsmessage.RCode{}}
	t.Cleanup(func() { _ = conn.Close() })
	go s.serve()
	return s
}

// resolver is Go's own, asking this server.
func (s *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", s.conn.LocalAddr().String())
	}}
}

func (s *nameServer) set(name string, addrs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []netip.Addr
	for _, a := range addrs {
		list = append(list, netip.MustParseAddr(a))
	}
	s.zone[name+"."] = list
}

// fail answers an error for a name, for every name if it is empty; RCodeSuccess mends it.
func (s *nameServer) fail(name string, code dnsmessage.RCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name != "" {
		name += "."
	}
	s.fails[name] = code
}

func (s *nameServer) serve() {
	buffer := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(buffer[:n]); err != nil || len(m.Questions) != 1 {
			continue
		}
		if answer, ok := s.answer(m); ok {
			_, _ = s.conn.WriteTo(answer, from)
		}
	}
}

func (s *nameServer) answer(m dnsmessage.Message) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mute {
		return nil, false
	}
	q := m.Questions[0]
	name := strings.ToLower(q.Name.String())
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	addrs, known := s.zone[name]
	switch {
	case s.fails[""] != dnsmessage.RCodeSuccess:
		m.RCode = s.fails[""]
	case s.fails[name] != dnsmessage.RCodeSuccess:
		m.RCode = s.fails[name]
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	default:
		for _, a := range addrs {
			header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
			switch {
			case a.Is4() && q.Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: a.As4()}})
			case a.Is6() && q.Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
	}
	packed, err := m.Pack()
	return packed, err == nil
}
