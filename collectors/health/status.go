package health

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/config"
)

// CheckStatus is a target as a person looks at it.
type CheckStatus struct {
	Check, AppService, Tenant, Target, Module string
	State, Reason                             string
	Since, LastProbe                          time.Time
	LastDuration                              time.Duration
	OutageSince                               time.Time // zero if no outage is open
	Page, Owner                               string
	// Address is the one that the last probe's result came from, where the target is a name; SilentAddresses are others of
	// the name that were tried and did not connect.
	Address         string
	SilentAddresses []string
}

// Status lists every target by check and tenant.
func (c *Collector) Status() []CheckStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]CheckStatus, 0, len(c.targets))
	for _, t := range c.sorted {
		s := CheckStatus{
			Check: t.check, AppService: t.spec.AppService, Tenant: t.tenant, Target: shown(t.request.target),
			Module: t.spec.Module,
			State:  t.machine.state, Reason: t.machine.reason, Since: t.machine.since,
			LastProbe: t.last.end, LastDuration: t.last.end.Sub(t.last.start), OutageSince: t.machine.OutageStart,
			Page: t.page, Owner: t.owner,
		}
		if t.addr.IsValid() {
			s.Address = t.addr.String()
		}
		for _, a := range t.silent {
			s.SilentAddresses = append(s.SilentAddresses, a.String())
		}
		list = append(list, s)
	}
	return list
}

// ProbeRequest asks for one probe now: of a configured check (and tenant), or of a target through a module.
type ProbeRequest struct {
	Check, Tenant  string
	Target, Module string
	// for the Host header and TLS, as the blackbox_exporter's parameter; empty is the target's own
	Hostname  string
	AnyTarget bool          // a hostname is accepted though the probe sends secrets
	Timeout   time.Duration // shortens the module's or check's own; 0 leaves it
}

// ProbeResult is what such a probe found.
type ProbeResult struct {
	Success        bool
	Result, Reason string
	Duration       time.Duration
	Phases         map[string]float64
	Metrics        prometheus.Gatherer // the prober's own, as the blackbox_exporter exposes them
	Debug          string              // log and metrics for a person; request headers are not in it
}

// Configured reports whether a target is probed through a module by the policy in force.
func (c *Collector) Configured(target, module string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.targets {
		if t.request.asks(target) && (module == "" || module == t.spec.Module) {
			return true
		}
	}
	return false
}

// Probe probes once, outside the schedule; it changes neither state nor counters.
func (c *Collector) Probe(ctx context.Context, p ProbeRequest) (ProbeResult, error) {
	req, reference, err := c.request(p)
	if err != nil {
		return ProbeResult{}, err
	}
	if req, err = req.withHostname(p.Hostname, p.AnyTarget); err != nil {
		return ProbeResult{}, err
	}
	if p.Timeout > 0 {
		req.timeout = min(req.timeout, p.Timeout)
	}
	m := req.examine(ctx, true, reference)
	return ProbeResult{
		Success: m.result == "success", Result: m.result, Reason: m.reason, Duration: m.end.Sub(m.start),
		Phases: m.phases, Metrics: prometheus.GathererFunc(m.gather), Debug: unqueried(debugText(m), req.target),
	}, nil
}

func (c *Collector) request(p ProbeRequest) (request, *reference, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.Check != "" {
		t, ok := c.targets[key{p.Check, p.Tenant}]
		if !ok {
			return request{}, nil, c.noTarget(p.Check, p.Tenant)
		}
		return t.request, c.reference, nil
	}
	name := p.Module
	if name == "" {
		name = "http_2xx"
	}
	for _, t := range c.sorted { // of several with the same target, always the same
		if t.request.asks(p.Target) && t.spec.Module == name {
			return t.request, c.reference, nil
		}
	}
	module, ok := c.policy.Module(name)
	if !ok {
		return request{}, nil, fmt.Errorf("unknown module %q: %s", name, config.Suggest(name, c.policy.Modules()))
	}
	timeout := c.policy.Health.Timeout.Std()
	if module.Timeout > 0 {
		timeout = module.Timeout
	}
	return newModuleRequest(name, module, timeout).by(c.names).of(p.Target), c.reference, nil
}

// noTarget explains why these names match no target, and lists those that would. The caller holds the lock.
func (c *Collector) noTarget(check, tenant string) error {
	configured, ok := c.policy.Check(check)
	switch {
	case !ok:
		var names []string
		for _, other := range c.policy.Health.Checks {
			names = append(names, other.Name)
		}
		return fmt.Errorf("unknown check %q: %s", check, config.Suggest(check, names))
	case (configured.PerTenant == nil) == (tenant == "") && !c.probes(configured, tenant):
		return fmt.Errorf("check %q is probed by another shard than %s", check, c.shard)
	case configured.PerTenant == nil:
		return fmt.Errorf("check %q is not per tenant: leave out the tenant", check)
	case tenant == "":
		return fmt.Errorf("check %q is per tenant: choose one of the registry with --tenant", check)
	}
	var names []string
	for _, other := range c.registry {
		names = append(names, other.Name)
	}
	return fmt.Errorf("unknown tenant %q: %s", tenant, config.Suggest(tenant, names))
}

// shown is a target as pages show it: a query may hold a token, userinfo holds a password.
func shown(target string) string {
	return unqueried(target, target)
}

// unqueried takes the query and the userinfo of a target out of a text.
func unqueried(text, target string) string {
	if before, userinfo, ok := cutUserinfo(target); ok {
		text = strings.ReplaceAll(text, before+userinfo+"@", before+notShown+"@")
	}
	if _, query, ok := strings.Cut(target, "?"); ok && query != "" {
		text = strings.ReplaceAll(text, "?"+query, "?"+notShown)
		for parameter := range strings.SplitSeq(query, "&") {
			// A short value would be found in words that have nothing to do with it.
			if _, value, _ := strings.Cut(parameter, "="); len(value) >= minQueryValue {
				text = strings.ReplaceAll(text, value, notShown)
				if plain, err := url.QueryUnescape(value); err == nil && plain != value {
					text = strings.ReplaceAll(text, plain, notShown)
				}
			}
		}
	}
	return text
}

const (
	notShown      = "<not shown>"
	minQueryValue = 8
)

func cutUserinfo(target string) (before, userinfo string, ok bool) {
	scheme := strings.Index(target, "://")
	if scheme < 0 {
		return "", "", false
	}
	before, rest := target[:scheme+3], target[scheme+3:]
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return "", "", false
	}
	return before, rest[:at], true
}

func debugText(m *measured) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Result: %s %s\n", m.result, m.reason)
	for _, a := range m.attempts {
		fmt.Fprintf(&b, "Address %s: %s\n", a.addr, a)
	}
	fmt.Fprintf(&b, "\nLogs for the probe:\n%s\nMetrics of the prober:\n", m.log.text())
	families, err := m.gather()
	if err != nil {
		fmt.Fprintf(&b, "%v\n", err)
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			fmt.Fprintf(&b, "%v\n", err)
		}
	}
	return b.String()
}
