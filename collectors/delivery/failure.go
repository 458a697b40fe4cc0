package delivery

import (
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// evaluate finds what the deployments and rollbacks that have settled show: which others have failed, and how long
// their commits took. It returns whether anything is new. What was counted stays counted.
func (s *service) evaluate(r rules, now time.Time) (news bool) {
	live := s.timeline()
	for i, d := range live {
		if d.Evaluated || now.Sub(d.WentOn) < settleFor {
			continue
		}
		d.Evaluated, news = true, true
		before := live[:i]
		switch {
		case isRollback(before, d):
			d.Rollback = true
			s.rework(d, metric.DeploymentRolledBack, now)
			failed := before[len(before)-1]
			failed.RolledBack = d.Name
			if r.rollback {
				s.fail(failed, metric.DeploymentRolledBack, d.Live, now)
			}
		case d.Hotfix:
			s.rework(d, metric.DeploymentHotfixed, now)
			if failed := hotfixed(before, d); failed != nil && d.Live.Sub(failed.Live) <= r.hotfixWithin {
				s.fail(failed, metric.DeploymentHotfixed, d.Live, now)
			}
		}
	}
	for _, one := range s.Rollbacks {
		from := s.named(one.Source, one.From)
		if one.Evaluated || now.Sub(one.Noted) < settleFor || from == nil || from.Live.IsZero() {
			continue
		}
		one.Evaluated, news = true, true
		if to := s.named(one.Source, one.To); to != nil {
			from.RolledBack = to.Name
		}
		if r.rollback {
			s.fail(from, metric.DeploymentRolledBack, one.At, now)
		}
	}
	for i, d := range live {
		if s.countLead(live[:i], d) {
			d.Learned, news = now, true
		}
	}
	return news
}

// isRollback reports whether a deployment brings back a commit that was live before the one whose place it takes. That
// a commit is live once more which came after that one goes forward again and does not count.
func isRollback(before []*deployment, d *deployment) bool {
	if len(before) == 0 {
		return false
	}
	last := before[len(before)-1]
	if last.Commit == "" || sameCommit(last.Commit, d.Commit) {
		return false
	}
	first := func(commit string) int {
		return slices.IndexFunc(before, func(o *deployment) bool { return sameCommit(o.Commit, commit) })
	}
	earlier := first(d.Commit)
	return earlier >= 0 && earlier < first(last.Commit)
}

// hotfixed returns the deployment that a hotfix mends: the last one before it, rollbacks left out.
func hotfixed(before []*deployment, d *deployment) *deployment {
	for _, o := range slices.Backward(before) {
		if !o.Rollback && !sameCommit(o.Commit, d.Commit) {
			return o
		}
	}
	return nil
}

// fail counts that a deployment has failed at a time, once.
func (s *service) fail(d *deployment, reason string, at, now time.Time) {
	if d.FailedBy != "" || !at.After(d.Live) {
		return
	}
	d.FailedBy, d.Failed, d.Learned = reason, at, now
	if d.History {
		return
	}
	s.Failures[reason]++
	s.Recovery.observe(recoveryBounds, at.Sub(d.Live))
}

func (s *service) rework(d *deployment, kind string, now time.Time) {
	d.Learned = now
	if !d.History {
		s.Reworks[kind]++
	}
}

// countLead counts how long a commit took, once: when it first went live.
func (s *service) countLead(before []*deployment, d *deployment) bool {
	lead, known := d.lead()
	again := slices.ContainsFunc(before, func(o *deployment) bool { return sameCommit(o.Commit, d.Commit) })
	if d.LeadCounted || !d.Evaluated || !known || again || d.History {
		return false
	}
	d.LeadCounted = true
	s.Lead.observe(leadBounds, lead)
	return true
}
