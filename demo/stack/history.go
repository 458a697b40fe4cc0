package stack

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/history"
	"github.com/thorbis/thorbis_exporter/demo/saas"
)

// writeHistory gives Prometheus, before it starts, the records of two weeks before.
func (s *Stack) writeHistory(ctx context.Context) error {
	dir := filepath.Join(s.Dir, prometheusData)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return s.past().Write(ctx, dir, time.Now())
}

// past returns what the policy states of the platform.
func (s *Stack) past() *history.Platform {
	all := tenants(s.options.Tenants)
	shares := saas.Shares(len(all))
	p := &history.Platform{
		Environment: "demo", Service: "web", Checks: []string{"web-home", "web-tls"}, TenantCheck: "tenant-home",
		PerSecond: s.options.Traffic, Peak: 100,
		Availability: 0.9999, LatencySLO: "latency-300ms", Latency: 0.95,
	}
	for i, t := range all {
		p.Tenants = append(p.Tenants, history.Tenant{Name: t.name, Tier: t.tier, Share: shares[i]})
	}
	return p
}
