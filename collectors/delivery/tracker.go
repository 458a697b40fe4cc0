package delivery

import (
	"cmp"
	"regexp"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// maxDeployments is how many deployments of a service are kept, the newest.
	maxDeployments = 200
	maxRollbacks   = 50
	// sameWithin is how far apart two sources may report one deployment of a commit as created.
	sameWithin = time.Hour
	// settleFor is how long after it was learned a deployment is taken as a sign that another one failed: what arrives
	// out of order is in order by then.
	settleFor = 2 * time.Minute
	// historyGrace is how long before its source was first read a deployment may be live and still counts.
	historyGrace = 15 * time.Minute
)

// rollback is one that a source reports without a deployment of its own.
type rollback struct {
	Source    string    `json:"source"`
	From      string    `json:"from"`
	To        string    `json:"to,omitempty"`
	At        time.Time `json:"at"`
	Noted     time.Time `json:"noted"`
	Evaluated bool      `json:"evaluated,omitempty"`
}

// service is what is known of the deployments of a service. It is saved.
type service struct {
	Since       map[string]time.Time `json:"since"` // when each source was first read
	Deployments []*deployment        `json:"deployments"`
	Rollbacks   []*rollback          `json:"rollbacks,omitempty"`

	Workflows map[string]*workflow `json:"workflows,omitempty"` // by source and file

	Created  time.Time         `json:"created"` // of the counters
	Results  map[string]uint64 `json:"results"`
	Failures map[string]uint64 `json:"failures"` // by reason
	Reworks  map[string]uint64 `json:"reworks"`  // by kind
	Lead     *durations        `json:"lead"`
	Recovery *durations        `json:"recovery"`
}

func newService(now time.Time) *service {
	s := &service{Created: now}
	s.complete()
	return s
}

// complete adds what an older version did not save.
func (s *service) complete() {
	if s.Since == nil {
		s.Since = map[string]time.Time{}
	}
	if s.Workflows == nil {
		s.Workflows = map[string]*workflow{}
	}
	for name, w := range s.Workflows {
		if w == nil {
			delete(s.Workflows, name)
			continue
		}
		w.complete()
	}
	for _, m := range []*map[string]uint64{&s.Results, &s.Failures, &s.Reworks} {
		if *m == nil {
			*m = map[string]uint64{}
		}
	}
	s.Lead, s.Recovery = s.Lead.fits(leadBounds), s.Recovery.fits(recoveryBounds)
	s.Deployments = slices.DeleteFunc(s.Deployments, func(d *deployment) bool { return d == nil || d.Name == "" })
	s.Rollbacks = slices.DeleteFunc(s.Rollbacks, func(r *rollback) bool { return r == nil })
}

// rules are what the policy says of failures.
type rules struct {
	hotfix       *regexp.Regexp
	rollback     bool          // one is a failure
	hotfixWithin time.Duration // 0: none is
}

// apply takes what a source reports and returns whether anything is new. The change is clean.
func (s *service) apply(c change, r rules, now time.Time) (news bool) {
	if s.Since[c.source].IsZero() {
		s.Since[c.source] = now
		news = true
	}
	if c.from != "" {
		return s.rolledBack(c, now) || news
	}
	d := s.find(c)
	if d == nil && c.name != "" {
		return news // it was forgotten meanwhile
	}
	if d == nil {
		d = &deployment{IDs: map[string]string{}, State: pending, Noted: now}
		d.Name = nameOf(c, func(name string) bool {
			return slices.ContainsFunc(s.Deployments, func(o *deployment) bool { return o.Name == name })
		})
		s.Deployments = append(s.Deployments, d)
		news = true
	}
	if c.looked {
		d.Looked++
		news = true
	}
	if d.IDs[c.source] == "" && c.id != "" {
		d.IDs[c.source] = c.id
		news = true
	}
	changed := d.merge(c)
	if !d.Hotfix && r.hotfix != nil && (r.hotfix.MatchString(d.Ref) || r.hotfix.MatchString(d.Title)) {
		d.Hotfix, changed = true, true
	}
	if s.become(d, c, now) || changed {
		d.Learned = now
		news = true
	}
	s.count(d)
	s.prune()
	return news
}

// find returns the deployment that a change is about: that of its id, else that of the same commit which another
// source has reported at about the same time.
func (s *service) find(c change) *deployment {
	if c.name != "" {
		return s.named("", c.name)
	}
	for _, d := range s.Deployments {
		if d.IDs[c.source] == c.id {
			return d
		}
	}
	when := cmp.Or(c.created.UnixMilli(), c.at.UnixMilli())
	if c.commit == "" {
		return nil
	}
	for _, d := range slices.Backward(s.Deployments) {
		if d.IDs[c.source] != "" || !sameCommit(d.Commit, c.commit) {
			continue
		}
		created := d.Created
		if created.IsZero() {
			created = d.Noted
		}
		if apart := time.Duration(when-created.UnixMilli()) * time.Millisecond; apart.Abs() <= sameWithin {
			return d
		}
	}
	return nil
}

// become moves a deployment to the state of a change. One that is live stays so; that it is live again after another
// one is a rollback of that.
func (s *service) become(d *deployment, c change, now time.Time) bool {
	at := c.at
	if at.IsZero() {
		at = now
	}
	switch {
	case c.state == metric.DeploymentSuccess && d.Live.IsZero():
		d.State, d.Live, d.WentOn = c.state, at, now
		since := s.Since[c.source]
		d.History = at.Before(since.Add(-historyGrace))
		return true
	case c.state == metric.DeploymentSuccess:
		last := s.last()
		if c.at.IsZero() || last == nil || last == d || !at.After(last.Live) || s.isRolledBack(last, d) {
			return false
		}
		return s.rolledBack(change{source: "", from: last.Name, to: d.Name, at: at}, now)
	case terminal(c.state) && !terminal(d.State):
		d.State = c.state
		since := s.Since[c.source]
		d.History = !c.at.IsZero() && at.Before(since.Add(-historyGrace))
		return true
	}
	return false
}

// isRolledBack reports whether it is known that one deployment took the place of another again.
func (s *service) isRolledBack(from, to *deployment) bool {
	return slices.ContainsFunc(s.Rollbacks, func(r *rollback) bool { return s.named(r.Source, r.From) == from }) ||
		from.RolledBack == to.Name
}

// rolledBack notes a rollback that a source reports, once.
func (s *service) rolledBack(c change, now time.Time) bool {
	at := c.at
	if at.IsZero() {
		at = now
	}
	for _, r := range s.Rollbacks {
		if r.Source == c.source && r.From == c.from && r.To == c.to && r.At.Sub(at).Abs() < sameWithin {
			return false
		}
	}
	s.Rollbacks = append(s.Rollbacks, &rollback{Source: c.source, From: c.from, To: c.to, At: at, Noted: now})
	if len(s.Rollbacks) > maxRollbacks {
		s.Rollbacks = slices.Delete(s.Rollbacks, 0, len(s.Rollbacks)-maxRollbacks)
	}
	return true
}

// named returns a deployment by its id at a source, or by its name without a source.
func (s *service) named(source, id string) *deployment {
	for _, d := range s.Deployments {
		if source == "" && d.Name == id || source != "" && id != "" && d.IDs[source] == id {
			return d
		}
	}
	return nil
}

// count counts what has become of a deployment, each thing once.
func (s *service) count(d *deployment) {
	if d.History {
		return
	}
	switch {
	case !d.Live.IsZero() && !d.Counted:
		d.Counted = true
		s.Results[metric.DeploymentSuccess]++
	case d.Live.IsZero() && terminal(d.State) && !d.GivenUp:
		d.GivenUp = true
		s.Results[d.State]++
	}
}

// timeline returns the deployments that were live in the order in which they went live.
func (s *service) timeline() []*deployment {
	live := slices.DeleteFunc(slices.Clone(s.Deployments), func(d *deployment) bool { return d.Live.IsZero() })
	slices.SortStableFunc(live, func(a, b *deployment) int {
		return cmp.Or(a.Live.Compare(b.Live), a.Noted.Compare(b.Noted), cmp.Compare(a.Name, b.Name))
	})
	return live
}

// last returns the deployment that went live last, nil without one.
func (s *service) last() *deployment {
	live := s.timeline()
	if len(live) == 0 {
		return nil
	}
	return live[len(live)-1]
}

// current returns the deployment that is live now: the last one, unless a rollback brought another one back.
func (s *service) current() *deployment {
	last := s.last()
	var at time.Time
	if last != nil {
		at = last.Live
	}
	for _, r := range s.Rollbacks {
		if to := s.named(r.Source, r.To); to != nil && r.At.After(at) {
			last, at = to, r.At
		}
	}
	return last
}

// newest returns the deployments by when they were live or made, the newest first.
func (s *service) newest() []*deployment {
	list := slices.Clone(s.Deployments)
	slices.SortStableFunc(list, func(a, b *deployment) int { return b.when().Compare(a.when()) })
	return list
}

// prune forgets the oldest deployments beyond the limit.
func (s *service) prune() {
	if len(s.Deployments) <= maxDeployments {
		return
	}
	slices.SortStableFunc(s.Deployments, func(a, b *deployment) int { return a.when().Compare(b.when()) })
	s.Deployments = slices.Delete(s.Deployments, 0, len(s.Deployments)-maxDeployments)
}

func (d *deployment) when() time.Time {
	for _, at := range []time.Time{d.Live, d.Created} {
		if !at.IsZero() {
			return at
		}
	}
	return d.Noted
}
