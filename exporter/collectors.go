package exporter

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/prometheus/common/version"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup"
	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// Role is a collector that can be switched with --[no-]collector.<name>.
type Role struct {
	Name    string
	Help    string
	Default bool
}

// Roles lists every collector there is. A new one is a line here and a case in newExporter.
var Roles = []Role{
	{Name: roleHealth, Help: "Probe the policy's health checks.", Default: true},
	{Name: roleIncident, Help: "Read the policy's Alertmanagers and PagerDuty: what is open, and who has acknowledged it.", Default: true},
	{Name: roleBackup, Help: "List the policy's backups. Only for exporters that can reach the repositories."},
	{Name: roleDatabase, Help: "Ask the policy's PostgreSQL servers for their statistics.", Default: true},
	{Name: roleHost, Help: "Read this machine's CPU, memory and pressure (Linux).", Default: runtime.GOOS == "linux"},
	{Name: roleStorage, Help: "Read this machine's block devices and filesystems (Linux).", Default: runtime.GOOS == "linux"},
	{Name: roleTenant, Help: "Count requests by tenant from the policy's sources.", Default: true},
}

const (
	roleHealth   = "health"
	roleIncident = "incident"
	roleBackup   = "backup"
	roleDatabase = "database"
	roleHost     = "host"
	roleStorage  = "storage"
	roleTenant   = "tenant"
)

// checks is what the pages show and probe of the health collector.
type checks interface {
	Status() []health.CheckStatus
	Saving() health.SavingStatus
	References() []health.ReferenceStatus
	Tenants() int
	Configured(target, module string) bool
	prober
}

// NewHealth returns the health collector as the exporter runs it; without a directory it keeps nothing.
func NewHealth(logger *slog.Logger, dir *state.Dir, location string) *health.Collector {
	return health.New(health.Options{
		Logger: logger.With("collector", roleHealth), State: dir, Location: location, Version: version.Version,
	})
}

// NewBackup returns the backup collector as the exporter runs it; without a directory it keeps nothing.
func NewBackup(logger *slog.Logger, dir *state.Dir, location string) *backup.Collector {
	return backup.New(backup.Options{Logger: logger.With("collector", roleBackup), State: dir, Location: location})
}

// NewTenant returns the tenant collector as the exporter runs it; without a directory it keeps nothing.
func NewTenant(logger *slog.Logger, dir *state.Dir) *tenant.Collector {
	return tenant.New(tenant.Options{Logger: logger.With("collector", roleTenant), State: dir})
}

// running is a collector at work under its name.
type running struct {
	name string
	collectors.Collector
}

// applyAll puts a policy in force in every collector or in none: it commits when all of them have prepared.
func applyAll(all []running, p *config.Policy) error {
	prepared := make([]collectors.Change, 0, len(all))
	for _, c := range all {
		change, err := prepare(c, p)
		if err != nil {
			for _, before := range slices.Backward(prepared) {
				if before.Abort != nil {
					before.Abort()
				}
			}
			return &applyError{collector: c.name, err: err}
		}
		prepared = append(prepared, change)
	}
	for _, change := range prepared {
		change.Commit()
	}
	return nil
}

// prepare turns a panic into a refusal: a defect in one collector must not cost the policy that is in force.
func prepare(c running, p *config.Policy) (change collectors.Change, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &collectors.ReasonError{Reason: collectors.ReasonPanic, Err: fmt.Errorf("panic: %v\n%s", v, debug.Stack())}
		}
	}()
	return c.Prepare(p)
}

type applyError struct {
	collector string
	err       error
}

func (e *applyError) Error() string { return "collector " + e.collector + ": " + e.err.Error() }
func (e *applyError) Unwrap() error { return e.err }
