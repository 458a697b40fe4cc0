package saas

import (
	"fmt"
	"slices"
	"strings"
)

// Mode is a state of the platform, or of one tenant.
type Mode string

// The platform is healthy, or broken in one of these ways.
const (
	Healthy  Mode = "healthy"
	Refuse   Mode = "refuse"   // nothing listens; a tenant's connections are closed without an answer
	Hang     Mode = "hang"     // connections are accepted and never answered
	Slow     Mode = "slow"     // every answer is late, but not too late for a health check
	Error    Mode = "error"    // everything answers 500
	Brownout Mode = "brownout" // a share of the requests is answered 503; health checks, which are cheap, pass
	Vendor   Mode = "vendor"   // like a brownout; the vendor's status page says why
	Damage   Mode = "backup"   // requests are answered, but backups are cut short
	Disk     Mode = "disk"     // requests are answered, but the disk does all the operations that were bought
)

// Modes are the ways to break the platform.
var Modes = []Mode{Refuse, Hang, Slow, Error, Brownout, Vendor, Damage, Disk}

// Mode returns the state of the platform. One tenant may be broken while it is healthy.
func (p *Platform) Mode() Mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode
}

// ModeOf returns the state that a tenant sees: that of the platform, or its own while the platform is healthy.
func (p *Platform) ModeOf(tenant string) Mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.modeOf(tenant)
}

// modeOf is ModeOf for callers that hold the lock.
func (p *Platform) modeOf(tenant string) Mode {
	if own, ok := p.broken[tenant]; ok && p.mode == Healthy {
		return own
	}
	return p.mode
}

// Changed returns a channel that is closed at the next outage or recovery.
func (p *Platform) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// Damages reports whether backups of any tenant are damaged.
func (p *Platform) Damages() bool { return p.some(Damage) }

// FillsDisk reports whether any tenant uses all operations of the disk.
func (p *Platform) FillsDisk() bool { return p.some(Disk) }

// some reports whether any tenant is in a mode.
func (p *Platform) some(mode Mode) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.tenants, func(tenant string) bool { return p.modeOf(tenant) == mode })
}

// Break begins an outage of the platform.
func (p *Platform) Break(mode Mode) error {
	if err := p.known(mode); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set(mode)
}

// BreakTenant begins an outage of one tenant. Others are not affected.
func (p *Platform) BreakTenant(tenant string, mode Mode) error {
	if err := p.known(mode); err != nil {
		return err
	}
	if !slices.Contains(p.tenants, tenant) {
		return fmt.Errorf("unknown tenant %q: write one of %s", tenant, strings.Join(p.tenants, ", "))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken[tenant] = mode
	return p.set(p.mode)
}

// Recover ends every outage.
func (p *Platform) Recover() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.broken)
	return p.set(Healthy)
}

// set changes the mode and opens or closes the listeners. The caller holds the lock.
func (p *Platform) set(mode Mode) error {
	p.mode = mode
	close(p.changed)
	p.changed = make(chan struct{})
	for _, d := range p.doors {
		if mode == Refuse {
			d.shut()
			continue
		}
		if err := p.open(d); err != nil {
			return err
		}
	}
	return nil
}

func (p *Platform) known(mode Mode) error {
	if why := p.unavailable[mode]; why != "" {
		return fmt.Errorf("mode %s is not possible here: %s", mode, why)
	}
	if slices.Contains(Modes, mode) {
		return nil
	}
	return fmt.Errorf("unknown mode %q: write one of %s", mode, ModeNames())
}

// ModeNames lists the ways to break the platform.
func ModeNames() string {
	names := make([]string, len(Modes))
	for i, m := range Modes {
		names[i] = string(m)
	}
	return strings.Join(names, ", ")
}
