package stack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Addresses are where the parts listen.
type Addresses struct {
	SaaS, SaaSTLS, Control, Pager string
	Preview                       string
	Exporters                     []string
	Prometheus, Alertmanager      string
}

// DefaultAddresses are fixed, so that a browser's tab outlives a restart.
func DefaultAddresses() Addresses {
	return Addresses{
		SaaS: "127.0.0.1:18080", SaaSTLS: "127.0.0.1:18443", Control: "127.0.0.1:18081", Pager: "127.0.0.1:18082",
		Preview:    "127.0.0.1:19000",
		Exporters:  []string{"127.0.0.1:19190"},
		Prometheus: "127.0.0.1:19090", Alertmanager: "127.0.0.1:19093",
	}
}

// addressCount is how many ports AddressesFrom takes.
const addressCount = 8

// AddressesFrom are ports of 127.0.0.1 one after the other, for a demonstration beside another.
func AddressesFrom(port int) (Addresses, error) {
	if port < 1024 || port+addressCount > 1<<16 {
		return Addresses{}, fmt.Errorf("invalid port %d: %d parts listen on it and the ports after it", port, addressCount)
	}
	a := Addresses{Exporters: make([]string, 1)}
	for i, t := range append(a.all(), &a.Exporters[0]) {
		*t = net.JoinHostPort("127.0.0.1", strconv.Itoa(port+i))
	}
	return a, nil
}

// given are the addresses that FreeAddresses has handed out: a port is free again until its server
// starts, so the next stack of the same process must not be given it.
var (
	givenMu sync.Mutex
	given   = map[string]bool{}
)

// Ports are looked for below those that the kernel gives to outgoing connections (from 32768 on as Linux
// comes): one of that range can be taken by any client between our look and the start of the server.
const firstPort, lastPort = 10240, 30720

// FreeAddresses are ports that are free now, with as many exporters as asked for. None is given twice.
func FreeAddresses(exporters int) (Addresses, error) {
	var a Addresses
	a.Exporters = make([]string, exporters)
	targets := a.all()
	for i := range a.Exporters {
		targets = append(targets, &a.Exporters[i])
	}
	for _, t := range targets {
		var err error
		if *t, err = FreeAddress(); err != nil {
			return a, err
		}
	}
	return a, nil
}

// FreeAddress is a port of 127.0.0.1 that is free now and was not given before.
func FreeAddress() (string, error) {
	givenMu.Lock()
	defer givenMu.Unlock()
	var last error
	for range 1000 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(lastPort-firstPort)))
		if given[address] {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			last = err
			continue
		}
		l.Close()
		given[address] = true
		return address, nil
	}
	return "", fmt.Errorf("no free port from %d to %d: %w", firstPort, lastPort, last)
}

func (a *Addresses) all() []*string {
	return []*string{&a.SaaS, &a.SaaSTLS, &a.Control, &a.Pager, &a.Preview, &a.Prometheus, &a.Alertmanager}
}
