package collectors

import (
	"log/slog"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// Definition is a collector that an exporter can run. The package of a collector has one, and the exporter lists them
// all.
type Definition struct {
	// Name is the value of the label collector, and switches the collector with --[no-]collector.<name>.
	Name string
	// Help describes the flag.
	Help string
	// Default is whether the collector runs if no flag says otherwise.
	Default bool
	// New returns the collector without a policy.
	New func(Site) Collector
}

// Site is what an exporter gives its collectors besides the policy.
type Site struct {
	Logger *slog.Logger
	// State is where a collector saves what survives a restart; nil keeps that in memory only.
	State *state.Dir
	// Tenants is the tenant registry, which an exporter reads once for all its collectors.
	Tenants *tenants.Registry
	// Location overrides the policy's; empty does not.
	Location string
	// HealthShard is the part of the targets of health checks that is probed.
	HealthShard Shard
	// TenantShard is the part of the partitions of streams whose requests are counted.
	TenantShard Shard
	// Host is this machine in the series about it.
	Host string
	// Paths are where the machine's own files are.
	Paths Paths
	// Receives is true where a listener receives what others post.
	Receives bool
	// Rounds returns when a round of a collector last succeeded, the zero time if none has; false if it does not run.
	Rounds func(collector string) (time.Time, bool)
	// Version is the exporter's, for the User-Agent of its requests.
	Version string
}
