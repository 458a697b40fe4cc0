package health

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// What our own probers expose on /probe has the names of the blackbox_exporter (v0.28.0, prober/utils.go and
// prober/tls.go), so that scrape configurations and dashboards made for it go on. They are its contract, not in our
// catalogue.

const (
	lookupTimeName = "probe_dns_lookup_time_seconds"
	lastExpiryName = "probe_ssl_last_chain_expiry_timestamp_seconds"
)

// registerAddress exposes the family of the address in use. How long its name took to look up is added when the metrics
// are read.
func registerAddress(registry *prometheus.Registry, host string) {
	protocol := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "probe_ip_protocol",
		Help: "Specifies whether probe ip protocol is IP4 or IP6",
	})
	lookup := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: lookupTimeName,
		Help: "Returns the time taken for probe dns lookup in seconds",
	})
	hash := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "probe_ip_addr_hash",
		Help: "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
	})
	registry.MustRegister(protocol, lookup, hash)
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return
	}
	protocol.Set(6)
	if addr.Is4() {
		protocol.Set(4)
	}
	sum := fnv.New32a()
	_, _ = sum.Write(addr.AsSlice())
	hash.Set(float64(sum.Sum32()))
}

// registerTLS exposes what was negotiated.
func registerTLS(registry *prometheus.Registry, state *tls.ConnectionState) {
	if len(state.PeerCertificates) == 0 {
		return
	}
	leaf, earliest := state.PeerCertificates[0], state.PeerCertificates[0].NotAfter
	for _, c := range state.PeerCertificates {
		if c.NotAfter.Before(earliest) {
			earliest = c.NotAfter
		}
	}
	expiry := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "probe_ssl_earliest_cert_expiry",
		Help: "Returns last SSL chain expiry in unixtime",
	})
	last := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: lastExpiryName,
		Help: "Returns last SSL chain expiry in timestamp",
	})
	version := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "probe_tls_version_info",
		Help: "Returns the TLS version used or NaN when unknown",
	}, []string{"version"})
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "probe_ssl_last_chain_info",
		Help: "Contains SSL leaf certificate information",
	},
		[]string{"fingerprint_sha256", "subject", "issuer", "subjectalternative", "serialnumber"})
	registry.MustRegister(expiry, last, version, info)
	expiry.Set(float64(earliest.Unix()))
	last.Set(float64(decidingCertificate(state).NotAfter.Unix()))
	version.WithLabelValues(tls.VersionName(state.Version)).Set(1)
	fingerprint := sha256.Sum256(leaf.Raw)
	info.WithLabelValues(hex.EncodeToString(fingerprint[:]), leaf.Subject.String(), leaf.Issuer.String(),
		strings.Join(leaf.DNSNames, ","), fmt.Sprintf("%x", leaf.SerialNumber.Bytes())).Set(1)
}

// gather returns the prober's own metrics, with the time of the lookup that was made for it.
func (m *measured) gather() ([]*dto.MetricFamily, error) {
	families, err := m.registry.Gather()
	for _, f := range families {
		for _, s := range f.GetMetric() {
			if f.GetName() == lookupTimeName || strings.HasSuffix(f.GetName(), "_duration_seconds") &&
				phaseOf(s) == phaseResolve {
				seconds := s.GetGauge().GetValue() + m.lookup.Seconds()
				s.Gauge.Value = &seconds
			}
		}
	}
	return families, err
}
