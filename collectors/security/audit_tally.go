package security

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// What an account needs somebody to decide, as the API lists it.
const (
	needsReview       = "review_overdue"
	needsFirstReview  = "never_reviewed"
	needsUse          = "unused"
	needsFirstUse     = "never_used"
	needsSecondFactor = "no_second_factor"
	needsExpiry       = "never_expires"
	needsRemoval      = "expired"
)

// accessTally is what is counted of a list, in each round.
type accessTally struct {
	kinds, uses                                    map[string]int
	privileged, withoutExpiry, withoutSecondFactor count
	overdue, unreviewed                            int
	oldestReview                                   time.Time
}

// count is a number of accounts, known if it is known of one of them.
type count struct {
	n     int
	known bool
}

func (c *count) add(is *bool) {
	if is != nil {
		c.known = true
		if *is {
			c.n++
		}
	}
}

func (a *audit) count(now time.Time) {
	t := accessTally{kinds: map[string]int{}, uses: map[string]int{}}
	for _, o := range a.accounts {
		t.kinds[o.Kind]++
		t.privileged.add(o.Privileged)
		switch at := o.Reviewed.at; {
		case at.IsZero():
			t.unreviewed++
			t.overdue++
		default:
			if t.oldestReview.IsZero() || at.Before(t.oldestReview) {
				t.oldestReview = at
			}
			if now.Sub(at) > a.ReviewEvery.Std() {
				t.overdue++
			}
		}
		if o.Kind == metric.AccountRole {
			continue
		}
		t.uses[o.use(now, a.UnusedAfter.Std())]++
		if o.Expires != (date{}) {
			t.withoutExpiry.add(&o.Expires.never)
		}
		if o.Kind != metric.AccountService && o.TwoFactors != nil {
			t.withoutSecondFactor.add(new(!*o.TwoFactors))
		}
	}
	a.tally = t
}

// use returns when an account was last used, of metric.AccountUses.
func (a account) use(now time.Time, unusedAfter time.Duration) string {
	switch {
	case a.Used.never:
		return metric.UseNever
	case a.Used.at.IsZero():
		return metric.UseUnknown
	case now.Sub(a.Used.at) > unusedAfter:
		return metric.UseUnused
	}
	return metric.UseRecent
}

// needs returns what is to be decided of an account.
func (a *audit) needs(o account, now time.Time) []string {
	var all []string
	switch at := o.Reviewed.at; {
	case at.IsZero():
		all = append(all, needsFirstReview)
	case now.Sub(at) > a.ReviewEvery.Std():
		all = append(all, needsReview)
	}
	if o.Kind == metric.AccountRole {
		return all
	}
	switch o.use(now, a.UnusedAfter.Std()) {
	case metric.UseUnused:
		all = append(all, needsUse)
	case metric.UseNever:
		all = append(all, needsFirstUse)
	}
	if o.Kind != metric.AccountService && o.TwoFactors != nil && !*o.TwoFactors {
		all = append(all, needsSecondFactor)
	}
	switch {
	case o.Expires.never:
		all = append(all, needsExpiry)
	case !o.Expires.at.IsZero() && o.Expires.at.Before(now):
		all = append(all, needsRemoval)
	}
	return all
}
