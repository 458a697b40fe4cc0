package database

import (
	"context"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/metric"
)

// upkeepInterval is how often indexes and tables are looked at: their number has no bound, and what is to be done about
// them changes slowly.
const upkeepInterval = 5 * time.Minute

// upkeep is what a server said of its indexes and tables last.
type upkeep struct {
	asked  time.Time
	answer postgres.Upkeep
	err    error
}

// ask returns the last answer, and a new one where that is old. One that was cut short with the connection is asked for
// again in the next round.
func (u *upkeep) ask(ctx context.Context, c *postgres.Connection, now time.Time) (postgres.Upkeep, error) {
	if !u.asked.IsZero() && now.Sub(u.asked) < upkeepInterval {
		return u.answer, u.err
	}
	answer, err := c.Upkeep(ctx)
	if c.Closed() || ctx.Err() != nil {
		return answer, err
	}
	*u = upkeep{now, answer, err}
	return answer, err
}

// foldAges replaces the databases beyond the first so many by the greatest age of one of them.
func foldAges(list []postgres.IDAges, most int) []postgres.IDAges {
	if len(list) <= most {
		return list
	}
	other := postgres.IDAges{Database: metric.DatabaseOther}
	for _, d := range list[most:] {
		other.Transactions = max(other.Transactions, d.Transactions)
		other.Multixacts = max(other.Multixacts, d.Multixacts)
	}
	return append(list[:most:most], other)
}

func (e exposer) upkeep(u postgres.Upkeep) {
	name := strings.ToValidUTF8(u.Database, "�")
	if u.Since != nil {
		e.time(metric.PostgresStatisticsReset, *u.Since, name)
	}
	if i := u.Indexes; i != nil {
		e.add(metric.PostgresUnusedIndexes, float64(i.Count), name)
		e.add(metric.PostgresUnusedIndexBytes, float64(i.Bytes), name)
	}
	if t := u.Tables; t != nil {
		e.add(metric.PostgresTablesToVacuum, float64(t.Count), name)
		if t.OldestVacuum != nil {
			e.time(metric.PostgresOldestVacuum, *t.OldestVacuum, name)
		}
	}
}

func (e exposer) ages(list []postgres.IDAges, freeze *postgres.FreezeAges) {
	for _, d := range list {
		name := strings.ToValidUTF8(d.Database, "�")
		e.add(metric.PostgresIDAge, float64(d.Transactions), name, metric.KindTransaction)
		e.add(metric.PostgresIDAge, float64(d.Multixacts), name, metric.KindMultixact)
	}
	if freeze != nil {
		e.add(metric.PostgresFreezeAge, float64(freeze.Transactions), metric.KindTransaction)
		e.add(metric.PostgresFreezeAge, float64(freeze.Multixacts), metric.KindMultixact)
	}
}
