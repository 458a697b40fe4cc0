package security

import "github.com/thorbis/thorbis_exporter/metric"

// audit adds what is expected of a list of accounts, its state, and what was counted of it.
func (e exposer) audit(a *audit) {
	e.add(metric.AccessInfo, 1, a.Name, a.AppService, a.Owner, a.Page)
	e.add(metric.AccessExpectedInterval, a.Interval.Std().Seconds(), a.Name)
	e.add(metric.ReviewExpectedInterval, a.ReviewEvery.Std().Seconds(), a.Name)
	if a.state != "" {
		for _, state := range metric.AccessStates {
			is := 0.0
			if state == a.state {
				is = 1
			}
			e.add(metric.AccessState, is, a.Name, state)
		}
	}
	if !a.known {
		return
	}
	t := a.tally
	e.at(metric.AccessListTime, a.taken, a.Name)
	for _, kind := range metric.AccountKinds {
		e.add(metric.Accounts, float64(t.kinds[kind]), a.Name, kind)
	}
	for _, use := range metric.AccountUses {
		e.add(metric.AccountsByUse, float64(t.uses[use]), a.Name, use)
	}
	for m, c := range map[*metric.Metric]count{
		metric.AccountsPrivileged: t.privileged, metric.AccountsWithoutExpiry: t.withoutExpiry,
		metric.AccountsWithoutTwoFactors: t.withoutSecondFactor,
		metric.AccountsOverdue:           {t.overdue, true}, metric.AccountsUnreviewed: {t.unreviewed, true},
	} {
		if c.known {
			e.add(m, float64(c.n), a.Name)
		}
	}
	e.at(metric.OldestReview, t.oldestReview, a.Name)
}
