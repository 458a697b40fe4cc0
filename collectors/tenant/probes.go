package tenant

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/config"
)

// probeSecretEvery is how often the secret of health checks is read again.
const probeSecretEvery = 5 * time.Second

// probes proves which requests of the logs are those of our own health checks.
type probes struct {
	config *config.TenantProbes
	decode *decode.Probes
	// keep is for how long a secret that was replaced still counts: logs are read after they are written.
	keep time.Duration

	mu            sync.Mutex
	secret, older string
	olderUntil    time.Time
}

// probesOf returns what proves the health checks of a policy, nil if nothing does. One that is in force already goes
// on.
func (c *Collector) probesOf(p *config.Policy) *probes {
	conf, keep := &p.Tenants.Probes, p.Tenants.LateAfter.Std()
	if conf.IsZero() {
		return nil
	}
	if s := c.current.Load(); s != nil && s.probes != nil && s.probes.keep == keep &&
		reflect.DeepEqual(s.probes.config, conf) {
		return s.probes
	}
	next := &probes{config: conf, decode: decode.NewProbes(conf.Networks()), keep: keep}
	if err := next.refresh(context.Background(), time.Now()); err != nil {
		c.logger.Error("Health checks count as requests of tenants: their secret cannot be read", "err", err)
	}
	return next
}

// refresh reads the secret as it is now. The one before it counts for a while; one that cannot be read changes nothing.
func (p *probes) refresh(ctx context.Context, now time.Time) error {
	if p.config.Secret == nil {
		return nil
	}
	value, err := p.config.Secret.Line(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && value != p.secret {
		p.secret, p.older, p.olderUntil = value, p.secret, now.Add(p.keep)
	}
	if !now.Before(p.olderUntil) {
		p.older = ""
	}
	p.decode.SetSecrets(p.secret, p.older)
	return err
}

// poll reads the secret again and again.
func (p *probes) poll() collectors.Poll {
	return collectors.Poll{
		Part: "probes", Interval: probeSecretEvery, Delay: probeSecretEvery,
		Round: func(ctx context.Context) error { return p.refresh(ctx, time.Now()) },
	}
}
