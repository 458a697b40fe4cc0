package health

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"time"

	bbconfig "github.com/prometheus/blackbox_exporter/config"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A name's addresses are tried as clients do it (RFC 8305, Happy Eyeballs): the next begins when one has failed to
// connect, or has not connected for attemptDelay, and the first that connects is the one whose answer counts. Where a
// connection is not seen (ICMP, UDP) only an answer ends the wait, so it is longer.
const (
	attemptDelay     = 250 * time.Millisecond
	attemptDelayLong = time.Second
)

// attempt is a probe of one address of a name.
type attempt struct {
	addr   netip.Addr
	result string // empty for one that was cut short, because another address connected
	reason string
	took   time.Duration
	// connected reports whether the address answered at all, so that what it answered is the service's answer.
	connected bool
}

// String describes the outcome of the attempt to a person.
func (a attempt) String() string {
	took := a.took.Round(time.Millisecond)
	switch {
	case a.result == "":
		return "had not connected when another did"
	case a.connected:
		return fmt.Sprintf("answered after %s", took)
	}
	return fmt.Sprintf("%s after %s", a.reason, took)
}

// tries are the attempts of one probe.
type tries struct {
	addr     netip.Addr    // whose answer it is; not valid unless the target is a name
	lookup   time.Duration // for the name
	resolved bool          // the name has an address
	attempts []attempt     // that were begun, in order
}

// silent are the addresses that were tried and did not answer, though another did.
func (t tries) silent() []netip.Addr {
	var list []netip.Addr
	for _, a := range t.attempts {
		if !a.connected && a.addr != t.addr {
			list = append(list, a.addr)
		}
	}
	return list
}

// connects reports whether the prober's connections are seen as they are made.
func connects(m *bbconfig.Module) bool {
	return m.Prober == "tcp" || m.Prober == "grpc" || m.Prober == "http" && !m.HTTP.UseHTTP3
}

// delay is how long an address has before the next is tried beside it, so that each of n is tried within the timeout.
func delay(m *bbconfig.Module, timeout time.Duration, n int) time.Duration {
	d := attemptDelayLong
	if connects(m) {
		d = attemptDelay
	}
	return min(d, timeout/time.Duration(n+1))
}

// race probes the addresses of a name and returns the measurement of the first that connected, else of the first one.
// The caller's context has the probe's deadline, which all of them share.
func (r request) race(ctx context.Context, debug bool, target string, module *bbconfig.Module,
	addrs []netip.Addr,
) *measured {
	if len(addrs) == 1 {
		m, connected := r.at(ctx, debug, target, module, addrs[0], nil)
		m.addr, m.attempts = addrs[0], []attempt{{addrs[0], m.result, m.reason, m.end.Sub(m.start), connected}}
		return m
	}
	ctx, cancel := context.WithCancel(ctx) // ends those that lost
	defer cancel()
	type finished struct {
		i         int
		m         *measured
		connected bool
	}
	var (
		done      = make(chan finished, len(addrs))
		first     = make(chan int, len(addrs))
		attempts  []attempt // begun
		cancels   []context.CancelFunc
		preferred *measured // what the first address said
		winner    = -1
		running   int
		wait      = delay(module, r.timeout, len(addrs))
		timer     = time.NewTimer(wait)
	)
	defer timer.Stop()
	begin := func() {
		i := len(attempts)
		ctx, cancel := context.WithCancel(ctx)
		attempts, cancels = append(attempts, attempt{addr: addrs[i]}), append(cancels, cancel)
		running++
		timer.Reset(wait)
		collectors.Async(func() error {
			f := finished{i: i, m: &measured{outcome: outcome{result: metric.ResultUnknown, reason: reasonProberError}}}
			defer func() { done <- f }()
			f.m, f.connected = r.at(ctx, debug, target, module, addrs[i], func() { first <- i })
			return nil
		})
	}
	begin()
	for {
		select {
		case <-timer.C:
			if winner < 0 && len(attempts) < len(addrs) {
				begin()
			}
		case i := <-first:
			if winner < 0 {
				winner = i
				for j, cancel := range cancels {
					if j != i {
						cancel()
					}
				}
			}
		case f := <-done:
			running--
			if winner >= 0 && f.i != winner {
				continue // it was cut short
			}
			attempts[f.i] = attempt{addrs[f.i], f.m.result, f.m.reason, f.m.end.Sub(f.m.start), f.connected}
			if f.i == 0 {
				preferred = f.m
			}
			switch {
			case f.connected:
				f.m.addr, f.m.attempts = addrs[f.i], attempts
				return f.m
			case len(attempts) < len(addrs) && ctx.Err() == nil:
				begin()
			case running == 0:
				preferred.addr, preferred.attempts = addrs[0], attempts
				return preferred
			}
		}
	}
}

// at probes one address and reports whether that answered. connected is called once when a connection is made.
func (r request) at(ctx context.Context, debug bool, target string, module *bbconfig.Module, addr netip.Addr,
	connected func(),
) (*measured, bool) {
	module = withFamily(module, addr)
	var made atomic.Bool
	trace := &httptrace.ClientTrace{ConnectDone: func(_, _ string, err error) {
		if err == nil && made.CompareAndSwap(false, true) && connected != nil {
			connected()
		}
	}}
	m := r.try(httptrace.WithClientTrace(ctx, trace), debug, atHost(module.Prober, target, addr.String()), module)
	return m, made.Load() || m.result == metric.ResultSuccess || !connects(module) && answered(m.reason)
}

// answered reports whether a failure of a prober whose connections are not seen is an answer nevertheless.
func answered(reason string) bool {
	switch reason {
	case reasonTimeout, reasonRefused, reasonUnreachable, reasonReset, reasonProberError:
		return false
	}
	return true
}

// withFamily returns a module that accepts the family of an address that was chosen already.
func withFamily(module *bbconfig.Module, addr netip.Addr) *bbconfig.Module {
	m := *module
	protocol := "ip6"
	if addr.Is4() {
		protocol = "ip4"
	}
	switch m.Prober {
	case "http":
		m.HTTP.IPProtocol = protocol
	case "tcp":
		m.TCP.IPProtocol = protocol
	case "icmp":
		m.ICMP.IPProtocol = protocol
	case "dns":
		m.DNS.IPProtocol = protocol
	case "grpc":
		m.GRPC.PreferredIPProtocol = protocol
	}
	return &m
}
