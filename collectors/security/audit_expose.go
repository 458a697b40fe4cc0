package security

import "github.com/thorbis/thorbis_exporter/metric"

// audit adds what is expected of a list of accounts, its state, and what was counted of it.
func (e exposer) audit(a *audit) {
	e.Put(metric.AccessInfo, 1, a.Name, a.AppService, a.Owner, a.Page)
	e.Put(metric.AccessExpectedInterval, a.Interval.Std().Seconds(), a.Name)
	e.Put(metric.ReviewExpectedInterval, a.ReviewEvery.Std().Seconds(), a.Name)
	if a.state != "" {
		e.PutStates(metric.AccessState, a.state, metric.AccessStates, a.Name)
	}
	if !a.known {
		return
	}
	t := a.tally
	e.PutTime(metric.AccessListTime, a.taken, a.Name)
	for _, kind := range metric.AccountKinds {
		e.Put(metric.Accounts, float64(t.kinds[kind]), a.Name, kind)
	}
	for _, use := range metric.AccountUses {
		e.Put(metric.AccountsByUse, float64(t.uses[use]), a.Name, use)
	}
	for m, c := range map[*metric.Metric]count{
		metric.AccountsPrivileged: t.privileged, metric.AccountsWithoutExpiry: t.withoutExpiry,
		metric.AccountsWithoutTwoFactors: t.withoutSecondFactor,
		metric.AccountsOverdue:           {t.overdue, true}, metric.AccountsUnreviewed: {t.unreviewed, true},
	} {
		if c.known {
			e.Put(m, float64(c.n), a.Name)
		}
	}
	e.PutTime(metric.OldestReview, t.oldestReview, a.Name)
}
