package config

import (
	"fmt"
	"net/http"
	"net/netip"
)

// ProbeHeader is the request header in which health checks send the secret of TenantProbes.
const ProbeHeader = "X-Thorbis-Probe"

// TenantProbes identifies the exporter's own health checks in request logs. Without it they count as requests of
// tenants, because any client can send what they send.
type TenantProbes struct {
	// Addresses are those of the exporters, or networks, as the logs show them.
	Addresses []string `yaml:"addresses"`
	// Secret is what health checks send in ProbeHeader.
	Secret *SecretRef `yaml:"secret"`
}

// maxProbeAddresses bounds the networks with which an address is compared.
const maxProbeAddresses = 1000

// IsZero reports whether no setting identifies health checks.
func (t *TenantProbes) IsZero() bool { return len(t.Addresses) == 0 && t.Secret == nil }

// Networks returns the addresses as networks.
func (t *TenantProbes) Networks() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range t.Addresses {
		if network, err := networkOf(text); err == nil {
			all = append(all, network)
		}
	}
	return all
}

// networkOf reads a network, or an address as a network of one.
func networkOf(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("invalid address %q: write it like 192.0.2.7, 2001:db8::7 or 192.0.2.0/28", text)
	}
	if network.Bits() == 0 {
		return netip.Prefix{}, fmt.Errorf("invalid network %q: every client is in it and could leave the counts: "+
			"write the exporters' own addresses", text)
	}
	return network.Masked(), nil
}

func (v *validator) probes(t *TenantProbes) {
	if len(t.Addresses) > maxProbeAddresses {
		v.failAt("tenants.probes.addresses", "too many addresses (%d): write at most %d, or networks", len(t.Addresses),
			maxProbeAddresses)
		return
	}
	for i, text := range t.Addresses {
		if _, err := networkOf(text); err != nil {
			v.failAt(fmt.Sprintf("tenants.probes.addresses[%d]", i), "%v", err)
		}
	}
	if t.Secret != nil {
		v.secretRef("tenants.probes.secret", t.Secret)
	}
}

// probeWarnings warns of health checks that count as requests of tenants.
func (v *validator) probeWarnings(tenants *Tenants) {
	p, t := v.policy, &tenants.Probes
	checked := map[string]bool{}
	for _, c := range p.Health.Checks {
		if m, ok := p.modules[c.Module]; ok && m.Prober == "http" {
			checked[c.AppService] = true
		}
	}
	logged, warned := map[string]bool{}, map[string]bool{}
	for i, s := range tenants.Sources {
		logged[s.AppService] = true
		path := fmt.Sprintf("tenants.sources[%d]", i)
		switch {
		case !checked[s.AppService] || s.identifiesProbes(t):
		case !t.IsZero():
			v.warn(path, "the log has neither the address nor the secret of tenants.probes: the health checks of service %s "+
				"count as requests of its tenants; docs/tenants.md says what each format needs", s.AppService)
		case !warned[s.AppService]:
			warned[s.AppService] = true
			v.warn(path, "the health checks of service %s count as requests of its tenants, for their User-Agent can be sent "+
				"by any client; write tenants.probes with their addresses or a secret", s.AppService)
		}
	}
	if t.Secret == nil || len(t.Addresses) > 0 {
		return
	}
	for i, c := range p.Health.Checks {
		if m, ok := p.modules[c.Module]; ok && m.Prober == "http" && logged[c.AppService] && !c.sendsSecret() {
			v.warn(fmt.Sprintf("health.checks[%d]", i), "does not send the secret of tenants.probes and counts as requests "+
				"of tenants; write it under secret_headers as %s", ProbeHeader)
		}
	}
}

// sendsSecret reports whether a check has a secret in ProbeHeader.
func (c *Check) sendsSecret() bool {
	for name := range c.SecretHeaders {
		if http.CanonicalHeaderKey(name) == ProbeHeader {
			return true
		}
	}
	return false
}
