package decode

import (
	"bytes"
	"crypto/subtle"
	"net/netip"
	"sync/atomic"
)

// Probes proves which requests are those of our own health checks. Their User-Agent proves nothing, for any client can
// send it. A Probes serves several goroutines; nil proves no request.
type Probes struct {
	addresses []netip.Prefix
	secrets   atomic.Pointer[[][]byte]
}

// NewProbes returns probes that come from some networks.
func NewProbes(addresses []netip.Prefix) *Probes {
	return &Probes{addresses: addresses}
}

// SetSecrets replaces the secrets that health checks may send. An empty one proves nothing.
func (p *Probes) SetSecrets(values ...string) {
	var all [][]byte
	for _, v := range values {
		if v != "" {
			all = append(all, []byte(v))
		}
	}
	p.secrets.Store(&all)
}

var (
	probeAgent = []byte("thorbis_exporter/")
	probeQuery = []byte("thorbis_probe=")
)

// prover judges the requests of one decoder.
type prover struct {
	*Probes
	address []byte // the last one that was looked up
	listed  bool
}

// proves reports whether a request is a health check's: one with the secret, or one that looks like ours and comes from
// where they run.
func (p *prover) proves(agent, uri, address, secret []byte) bool {
	return len(secret) > 0 && p.knows(secret) || len(p.addresses) > 0 && isProbe(agent, uri) && p.lists(address)
}

func (p *prover) knows(secret []byte) bool {
	if all := p.secrets.Load(); all != nil {
		for _, s := range *all {
			if subtle.ConstantTimeCompare(s, secret) == 1 {
				return true
			}
		}
	}
	return false
}

// lists reports whether an address, with a port or without, is in one of the networks.
func (p *prover) lists(address []byte) bool {
	if len(address) == 0 || len(address) > len("[0000:0000:0000:0000:0000:ffff:255.255.255.255%012345678901234]:65535") {
		return false
	}
	if !bytes.Equal(address, p.address) {
		p.address, p.listed = append(p.address[:0], address...), p.contains(string(address))
	}
	return p.listed
}

func (p *prover) contains(text string) bool {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return false
		}
		addr = withPort.Addr()
	}
	addr = addr.Unmap().WithZone("")
	for _, network := range p.addresses {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// isProbe reports whether a request looks like one of our health checks, by its User-Agent or the query parameter that
// asks past caches.
func isProbe(agent, uri []byte) bool {
	if len(agent) >= len(probeAgent) && agent[0] == probeAgent[0] && bytes.HasPrefix(agent, probeAgent) {
		return true
	}
	i := bytes.IndexByte(uri, '?')
	return i >= 0 && bytes.Contains(uri[i:], probeQuery)
}

// isProbe reports whether the record is a request of our own health checks.
func (d *JSON) isProbe(uri []byte) bool {
	if d.probes.Probes == nil {
		return false
	}
	agent := d.header(fAgent)
	if agent == nil {
		agent = d.v.str(fAgent2)
	}
	return d.probes.proves(agent, uri, d.v.str(fClient), d.header(fProbe))
}

// header returns the value of a header: a string, or the first of a list of them as Caddy and Vercel write it.
func (d *JSON) header(f field) []byte {
	raw := d.v.raw[f]
	if d.v.kinds[f] == text {
		return raw
	}
	if d.v.kinds[f] != other || len(raw) < 2 || raw[0] != '[' {
		return nil
	}
	start := skipSpace(raw, 1)
	if raw[start] != '"' {
		return nil
	}
	end, kind := scanString(raw, start+1)
	if end < 0 {
		return nil
	}
	if kind != plain {
		return d.unquoted(raw[start+1 : end])
	}
	return raw[start+1 : end]
}
