package health

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
	"github.com/prometheus/blackbox_exporter/prober"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// HeaderProbe is the request header by which a service can count the exporter's probes apart.
const HeaderProbe = "X-Thorbis-Probe"

// cacheParameter makes every request new to a cache that looks at the query.
const cacheParameter = "thorbis_probe"

// phaseResolve is the phase in which probers look the name up.
const phaseResolve = "resolve"

// request is one probe to run. The many targets of a check share its module.
type request struct {
	check       string
	target      string
	moduleName  string
	module      *bbconfig.Module
	names       resolver // nil is Go's own
	bypassCache bool
	enough      bool // a body longer than enoughOfBody is not read to its end
	timeout     time.Duration
	distance    distance
	secrets     map[string]*config.SecretRef // headers that are read anew for each probe
}

// measured is the outcome of a probe with its measurements.
type measured struct {
	outcome
	tries
	phases      map[string]float64
	certificate certificate // zero without TLS
	secure      bool        // the last connection of an HTTP probe had TLS
	registry    *prometheus.Registry
	log         capture
}

// newRequest prepares a check's probe of one target.
func newRequest(p *config.Policy, c *config.Check, target, version string) (request, error) {
	module, ok := p.Module(c.Module)
	if !ok {
		return request{}, fmt.Errorf("check %s: no module %q", c.Name, c.Module)
	}
	r := newModuleRequest(c.Module, module, c.Timeout.Std())
	r.check, r.bypassCache = c.Name, *c.BypassCache && module.Prober == "http"
	r = r.of(target)
	if module.Prober != "http" {
		return r, nil
	}
	// Headers are compared in their canonical form: two spellings of one would fight.
	headers := map[string]string{"User-Agent": "thorbis_exporter/" + version}
	for name, value := range module.HTTP.Headers {
		headers[http.CanonicalHeaderKey(name)] = value
	}
	for name, ref := range c.SecretHeaders {
		value, err := ref.Line(context.Background())
		if err != nil {
			return request{}, p.ErrorAt(fmt.Sprintf("health.checks[%d].secret_headers.%s", slices.Index(p.Health.Checks, c),
				name), "%v", err)
		}
		headers[http.CanonicalHeaderKey(name)] = value
	}
	if r.secrets = c.SecretHeaders; len(r.secrets) > 0 {
		// A redirect would send the secret to the host that the answer names.
		r.module.HTTP.HTTPClientConfig.FollowRedirects = false
	}
	r.module.HTTP.Headers = headers
	if r.bypassCache {
		r.module.HTTP.FailIfHeaderMatchesRegexp = append(slices.Clip(cacheMatches), module.HTTP.FailIfHeaderMatchesRegexp...)
	}
	return r, nil
}

// newModuleRequest prepares a probe through a module, still without a target.
func newModuleRequest(name string, module bbconfig.Module, timeout time.Duration) request {
	r := request{moduleName: name, module: &module, timeout: timeout}
	// A module that looks into the body has a limit of its own, see config.Policy.Module.
	if module.Prober == "http" && module.HTTP.BodySizeLimit == 0 {
		module.HTTP.BodySizeLimit, r.enough = enoughOfBody, true
	}
	return r
}

// by returns the same request with another resolver.
func (r request) by(names resolver) request {
	r.names = names
	return r
}

// asks reports whether the request is of a target, however that writes the letters of its host.
func (r request) asks(target string) bool {
	return r.target == target || r.target == inASCII(r.module.Prober, target)
}

// of returns the same request of another target.
func (r request) of(target string) request {
	r.target = inASCII(r.module.Prober, target)
	r.distance = distanceOf(r.target)
	return r
}

// examine probes once and decides whether the edge, or the exporter's own network or resolver, caused a failure.
func (r request) examine(ctx context.Context, debug bool, reference *reference) *measured {
	r, err := r.withSecrets(ctx)
	if err != nil {
		return withoutSecret(err, debug)
	}
	m := r.run(ctx, debug)
	if m.resolved {
		reference.names.reached(r.distance, m.start)
	}
	if m.result == metric.ResultSuccess {
		reference.targets.reached(r.distance, m.start)
	}
	if m.result == metric.ResultFailure && m.reason == reasonStatus && r.challenged(ctx, m) {
		m.result, m.reason = metric.ResultUnknown, reasonChallenge
	}
	unresolved := m.reason == reasonDNSError || m.reason == reasonDNSNotFound
	if m.result == metric.ResultFailure && unresolved && reference.names.silent(ctx) {
		m.result, m.reason = metric.ResultUnknown, reasonResolverFailed
	}
	if m.result == metric.ResultFailure && reference.targets.silent(ctx) {
		m.result, m.reason = metric.ResultUnknown, reasonProberOffline
	}
	return m
}

// Some probers ignore their context in some phases. One that still runs overtime after its timeout is abandoned and
// counts as a timeout; while there are too many of them no more probes are started.
const (
	overtime     = 2 * time.Second
	maxAbandoned = 200
)

var abandoned atomic.Int64

// run probes once, each address of a name until one answers, and never outlasts the timeout by more than overtime.
func (r request) run(ctx context.Context, debug bool) *measured {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	start, target := time.Now(), r.target
	if r.bypassCache {
		target = pastCache(target, start)
	}
	host := config.HostOf(r.module.Prober, target)
	if !config.IsName(host) || !resolves(r.module) {
		return r.try(ctx, debug, target, r.module)
	}
	names := r.names
	if names == nil {
		names = net.DefaultResolver
	}
	addrs, err := addressesOf(ctx, names, r.module, host)
	took := time.Since(start)
	if err != nil {
		m := &measured{registry: prometheus.NewRegistry(), log: newCapture(debug)}
		slog.New(m.log).Error("Resolving the name failed", "host", host, "err", err)
		m.start, m.end, m.lookup = start, start.Add(took), took
		m.result, m.reason = classify(r.module.Prober, *m.log.records, ctx.Err() != nil)
		return m
	}
	m := r.race(ctx, debug, target, keepName(r.module, target, host), addrs)
	m.start, m.lookup, m.resolved = start, took, true
	if _, ok := m.phases[phaseResolve]; ok {
		m.phases[phaseResolve] += took.Seconds()
	}
	return m
}

// try probes once with the blackbox_exporter's own prober. It never panics. With a thousand probes under way, what
// waits for the prober has no copies of the module or the result on its stack.
func (r request) try(ctx context.Context, debug bool, target string, module *bbconfig.Module) *measured {
	m := &measured{registry: prometheus.NewRegistry(), log: newCapture(debug)}
	m.start = time.Now()
	if abandoned.Load() >= maxAbandoned {
		m.end, m.result, m.reason = m.start, metric.ResultUnknown, reasonProberError
		return m
	}
	var tls handshakes
	ctx = tls.watch(ctx)
	type answer struct{ success, panicked bool }
	done := make(chan answer, 1)
	var over atomic.Bool // whoever sets it first, prober or clock, decides
	probe, registry, logger := proberOf(module.Prober), m.registry, slog.New(m.log)
	collectors.Async(func() error {
		a := answer{panicked: true} // the prober's defect; it has nothing to do with the target
		defer func() {
			if done <- a; !over.CompareAndSwap(false, true) {
				abandoned.Add(-1)
			}
		}()
		a.success = probe(ctx, target, *module, registry, logger)
		a.panicked = false
		return nil
	})
	late := time.NewTimer(r.timeout + overtime)
	defer late.Stop()
	var a answer
	select {
	case a = <-done:
	case <-late.C:
		abandoned.Add(1)
		if over.CompareAndSwap(false, true) {
			// The prober may still write to its registry and log: leave them to it.
			m.outcome = outcome{result: metric.ResultFailure, reason: reasonTimeout, start: m.start, end: time.Now()}
			m.registry, m.log = prometheus.NewRegistry(), newCapture(debug)
			return m
		}
		abandoned.Add(-1)
		a = <-done
	}
	m.end = time.Now()
	if a.panicked {
		m.result, m.reason = metric.ResultUnknown, reasonProberError
		return m
	}
	m.certificate = tls.certificate()
	m.read()
	if a.success {
		m.result = metric.ResultSuccess
		return m
	}
	m.result, m.reason = classify(module.Prober, *m.log.records, ctx.Err() != nil)
	r.readEnough(m)
	return m
}

// proberOf returns the blackbox_exporter's prober, or ours where its own does not keep to the timeout or hides the
// certificate.
func proberOf(name string) prober.ProbeFn {
	switch name {
	case "grpc":
		return probeGRPC
	case "tcp", "unix":
		return probeStream
	}
	return prober.Probers[name]
}

// pastCache adds a query parameter that no cache has seen.
func pastCache(target string, now time.Time) string {
	u, err := url.Parse(config.WithScheme(target))
	if err != nil {
		return target
	}
	parameter := cacheParameter + "=" + strconv.FormatInt(now.UnixNano(), 36)
	if u.RawQuery != "" {
		parameter = u.RawQuery + "&" + parameter
	}
	u.RawQuery = parameter
	return u.String()
}

// read takes the phases and the certificate's end from the metrics that the prober registered. Gathering them as a
// registry does would take 40 KiB, most of it for channels.
func (m *measured) read() {
	m.phases = map[string]float64{}
	metrics := make(chan prometheus.Metric, 16)
	collectors.Async(func() error {
		defer close(metrics)
		m.registry.Collect(metrics)
		return nil
	})
	for sample := range metrics {
		name := nameOf(sample.Desc())
		if !slices.Contains(readNames, name) {
			continue
		}
		var read dto.Metric
		if sample.Write(&read) != nil {
			continue
		}
		switch value := read.GetGauge().GetValue(); name {
		case secureName:
			m.secure = value == 1
		case lastExpiryName:
			// Of handshakes that are not seen, such as those of QUIC.
			if value > 0 && m.certificate.expiry.IsZero() {
				m.certificate.expiry = time.Unix(int64(value), 0)
			}
		default:
			m.phases[phaseOf(&read)] = max(value, 0)
		}
	}
}

// secureName is the prober's metric of TLS.
const secureName = "probe_http_ssl"

// readNames are the prober's metrics that are read: besides these two, the durations of phases.
var readNames = []string{
	secureName, lastExpiryName,
	"probe_http_duration_seconds", "probe_icmp_duration_seconds",
	"probe_dns_duration_seconds", "probe_grpc_duration_seconds",
}

// nameOf returns a descriptor's metric name, which it shows in its text only.
func nameOf(d *prometheus.Desc) string {
	_, name, _ := strings.Cut(d.String(), `fqName: "`)
	name, _, _ = strings.Cut(name, `"`)
	return name
}

func phaseOf(m *dto.Metric) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == metric.LabelPhase {
			return l.GetValue()
		}
	}
	return ""
}
