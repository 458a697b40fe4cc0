package health

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The shards of a location probe each target once, and all of them.
func TestShardsProbeEachTargetOnce(t *testing.T) {
	const shards, perTenant, others = 4, 200, 40
	dir := t.TempDir()
	var registry, checks strings.Builder
	registry.WriteString("tenants:\n")
	for i := range perTenant {
		fmt.Fprintf(&registry, "  - {name: t%d, tier: none}\n", i)
	}
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), registry.String())
	for i := range others {
		fmt.Fprintf(&checks, "    - {name: c%d, app_service: web, target: \"http://127.0.0.1:1/\"}\n", i)
	}
	p := policy(t, "  checks:\n"+checks.String()+
		"    - {name: tenant, app_service: web, target: \"http://127.0.0.1:1/{tenant}\", per_tenant: {}}\n",
		"tenants: {registry: {file: "+filepath.Join(dir, "tenants.yaml")+"}}\n")
	owners := map[key]int{}
	for n := range shards {
		shard := collectors.Shard{Number: n, Of: shards}
		c := New(Options{Logger: slog.New(slog.DiscardHandler), Version: "test", Shard: shard})
		if err := collectors.Apply(c, p); err != nil {
			t.Fatal(err)
		}
		if share := len(c.targets) * shards; share < (perTenant+others)/2 || share > (perTenant+others)*2 {
			t.Errorf("shard %s has %d targets", shard, len(c.targets))
		}
		for k := range c.targets {
			owners[k]++
		}
		if _, ok := c.targets[key{"c7", ""}]; !ok {
			_, err := c.Probe(t.Context(), ProbeRequest{Check: "c7"})
			if err == nil || !strings.Contains(err.Error(), "another shard than "+shard.String()) {
				t.Errorf("a check of another shard: %v", err)
			}
		}
	}
	if len(owners) != perTenant+others {
		t.Errorf("%d targets are probed, want %d", len(owners), perTenant+others)
	}
	for k, n := range owners {
		if n != 1 {
			t.Errorf("%v is probed by %d shards", k, n)
		}
	}
}
