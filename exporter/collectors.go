package exporter

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup"
	"github.com/thorbis/thorbis_exporter/collectors/business"
	"github.com/thorbis/thorbis_exporter/collectors/database"
	"github.com/thorbis/thorbis_exporter/collectors/delivery"
	"github.com/thorbis/thorbis_exporter/collectors/domain"
	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/collectors/host"
	"github.com/thorbis/thorbis_exporter/collectors/incident"
	"github.com/thorbis/thorbis_exporter/collectors/procedure"
	"github.com/thorbis/thorbis_exporter/collectors/security"
	"github.com/thorbis/thorbis_exporter/collectors/storage"
	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/collectors/vendor"
	"github.com/thorbis/thorbis_exporter/config"
)

// Definitions lists every collector there is, in the order of the status page.
var Definitions = []collectors.Definition{
	health.Definition, incident.Definition, backup.Definition, database.Definition, host.Definition, storage.Definition,
	tenant.Definition,
	domain.Definition, procedure.Definition,
	delivery.Definition, vendor.Definition, security.Definition,
	business.Definition,
}

// checks is what the pages show and probe of the health collector.
type checks interface {
	Saving() health.SavingStatus
	Tenants() int
	Configured(target, module string) bool
	prober
}

// requests is what the listeners serve of the tenant collector.
type requests interface {
	Tenants() http.Handler
	Receivers() http.Handler
}

// pings is what the receiving listener serves of the procedure collector.
type pings interface{ Pings() http.Handler }

// recorder is what the receiving listener serves of the incident collector.
type recorder interface {
	Events() http.Handler
	WriteUps() http.Handler
}

// deliveries is what the receiving listener serves of the delivery collector.
type deliveries interface{ Deliveries() http.Handler }

// running is a collector at work under its name.
type running struct {
	name string
	collectors.Collector
}

// applyAll puts a policy in force in every collector or in none: it commits when all of them have prepared.
func applyAll(all []running, p *config.Policy, logger *slog.Logger) error {
	prepared := make([]collectors.Change, 0, len(all))
	for _, c := range all {
		var change collectors.Change
		err := collectors.Guard(func() (err error) {
			change, err = c.Prepare(p)
			return err
		})
		if err != nil {
			collectors.LogPanic(logger, err) // a defect in one collector must not cost the policy in force
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

type applyError struct {
	collector string
	err       error
}

func (e *applyError) Error() string { return "collector " + e.collector + ": " + e.err.Error() }
func (e *applyError) Unwrap() error { return e.err }
