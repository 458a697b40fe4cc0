package stack

import (
	"fmt"
	"net"
	"strconv"

	"github.com/thorbis/thorbis_exporter/internal/loopback"
)

// Addresses are where the parts listen.
type Addresses struct {
	SaaS, SaaSTLS, Control, Pager string
	Preview, Console              string // Console is where the page of Options.Console is
	Exporters                     []string
	Prometheus, Alertmanager      string
}

// DefaultAddresses are fixed, so that a browser's tab outlives a restart.
func DefaultAddresses() Addresses {
	return Addresses{
		SaaS: "127.0.0.1:18080", SaaSTLS: "127.0.0.1:18443", Control: "127.0.0.1:18081", Pager: "127.0.0.1:18082",
		Preview: "127.0.0.1:19000", Console: "127.0.0.1:19091",
		Exporters:  []string{"127.0.0.1:19190"},
		Prometheus: "127.0.0.1:19090", Alertmanager: "127.0.0.1:19093",
	}
}

// AddressCount is how many ports AddressesFrom takes.
const AddressCount = 9

// AddressesFrom are ports of 127.0.0.1 one after the other, for a demonstration beside another.
func AddressesFrom(port int) (Addresses, error) {
	if port < 1024 || port+AddressCount > 1<<16 {
		return Addresses{}, fmt.Errorf("invalid port %d: %d parts listen on it and the ports after it", port, AddressCount)
	}
	a := Addresses{Exporters: make([]string, 1)}
	for i, t := range append(a.all(), &a.Exporters[0]) {
		*t = net.JoinHostPort("127.0.0.1", strconv.Itoa(port+i))
	}
	return a, nil
}

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
		if *t, err = loopback.FreeAddress(); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (a *Addresses) all() []*string {
	return []*string{&a.SaaS, &a.SaaSTLS, &a.Control, &a.Pager, &a.Preview, &a.Console, &a.Prometheus, &a.Alertmanager}
}
