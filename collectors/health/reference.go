package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// reference distinguishes an outage elsewhere from the loss of the exporter's own network, by targets that answer, and
// of its own resolver, by names that resolve. A check whose name does not resolve is down while a name outside the
// checks' own zones does: even if no check resolves, for then their zone or its servers are gone for every client.
type reference struct {
	targets panel
	names   panel
}

func newReference(p *config.Policy, names resolver, logger *slog.Logger) (*reference, error) {
	confirm := p.Health.Confirm
	holds := min(referenceHolds, time.Duration(confirm.Probes)*confirm.Interval.Std())
	r := &reference{
		targets: panel{logger: logger, what: "reference target", holds: holds},
		names:   panel{logger: logger, what: "reference name", holds: holds},
	}
	timeout := p.Health.Timeout.Std()
	for _, target := range p.Health.ReferenceTargets {
		module, ok := p.Module(target.Module)
		if !ok {
			return nil, fmt.Errorf("reference target %s: no module %q", target.Target, target.Module)
		}
		r.targets.members = append(r.targets.members, targetMember(newModuleRequest(target.Module, module,
			timeout).by(names).of(target.Target)))
	}
	list, chosen := p.ReferenceNames()
	for _, name := range list {
		m := nameMember(name, names, timeout)
		m.chosen = chosen
		r.names.members = append(r.names.members, m)
	}
	return r, nil
}

func targetMember(r request) *member {
	name := shown(r.target) // no query and no password goes to a page or the disk
	return &member{
		name: name, key: name, distance: r.distance, chosen: true,
		look: func(ctx context.Context) string { return r.run(ctx, false).result },
	}
}

// nameMember resolves a name as the checks' names are resolved. "No such name" does not count as an answer: a resolver
// that has lost its own upstream answers so for every name.
func nameMember(name string, names resolver, timeout time.Duration) *member {
	if names == nil {
		names = net.DefaultResolver
	}
	return &member{
		name: name, key: "name " + name, distance: elsewhere,
		look: func(ctx context.Context) string {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			_, err := names.LookupNetIP(ctx, "ip", name+".") // no search domain is tried
			switch {
			case err == nil:
				return metric.ResultSuccess
			case own(err) && !errors.As(err, new(*net.DNSError)):
				return metric.ResultUnknown
			}
			return metric.ResultFailure
		},
	}
}

// ask probes in the background what is due.
func (r *reference) ask(ctx context.Context) {
	r.targets.ask(ctx)
	r.names.ask(ctx)
}

// remembered returns the reliable members, and when each last answered.
func (r *reference) remembered() map[string]time.Time {
	good := map[string]time.Time{}
	r.targets.remembered(good)
	r.names.remembered(good)
	return good
}

// carry copies the state of the old policy's references and of an earlier run to those of a new policy.
func (r *reference) carry(old *reference, loaded map[string]time.Time, now time.Time) {
	r.targets.inherit(&old.targets)
	r.names.inherit(&old.names)
	r.targets.restore(loaded, now)
	r.names.restore(loaded, now)
}

// ReferenceStatus is the state of a reference target or name, for a person.
type ReferenceStatus struct {
	Target string
	// State is one of "answers", "silent", "dead" (it has never answered, or does not though checks do) and
	// "not asked yet".
	State    string
	Answered time.Time // zero for never
}

// References lists the reference targets in the order of the policy, then the reference names.
func (c *Collector) References() []ReferenceStatus {
	c.mu.Lock()
	r := c.reference
	c.mu.Unlock()
	list := r.targets.status()
	for _, s := range r.names.status() {
		s.Target = "name " + s.Target
		list = append(list, s)
	}
	return list
}
