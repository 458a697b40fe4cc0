package backup

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Sections implements collectors.Sections: the backups that this exporter lists, the worst first.
func (c *Collector) Sections(r collectors.SectionRequest) []collectors.Section {
	s := collectors.Section{
		Key: "backups", Title: "Backups",
		Columns: []collectors.Column{
			{Key: "backup", Title: "Backup"},
			{Key: "repository", Title: "Repository"},
			{Key: "state", Title: "State"},
			{Key: "newest", Title: "Newest"},
			{Key: "kind", Title: "Kind"},
			{Key: "expected_max_age_seconds", Title: "At most"},
			{Key: "retained", Title: "Retained"},
			{Key: "verified", Title: "Verified"},
			{Key: "restored", Title: "Restored"},
			{Key: "listed", Title: "Listed"},
			{Key: "problem", Title: "Problem"},
		},
	}
	c.mu.Lock()
	for _, b := range c.here {
		s.Rows = append(s.Rows, rows(b, c.facts[b.Name], r.Now)...)
	}
	c.mu.Unlock()
	s.WorstFirst()
	s.Cut(r.Limit)
	return []collectors.Section{s}
}

// judged is a state of a backup and what to do about it.
type judged struct {
	level       collectors.Level
	state, cure string
}

// worse replaces a state by another that is worse.
func (j *judged) worse(l collectors.Level, state, cure string) {
	if slices.Index(collectors.Levels, l) > slices.Index(collectors.Levels, j.level) {
		*j = judged{l, state, cure}
	}
}

// rows returns a row for each repository of a backup, or one while none is known.
func rows(b *config.Backup, f *facts, now time.Time) []collectors.Row {
	verified, restored := f.Tests[metric.TestVerify], f.Tests[metric.TestRestore]
	row := func(repository string, r *repositoryFacts) collectors.Row {
		j := judged{level: collectors.LevelOK, state: "ok"}
		newest, kind, retained := time.Time{}, "", any(nil)
		listed, problem := time.Time{}, f.problem
		if r != nil {
			newest, kind = r.newest()
			listed, problem, retained = r.ListedAt, cmp.Or(r.Problem, f.problem), r.retained()
		}
		j.listing(f, r, newest)
		if r != nil && !r.ListedAt.IsZero() {
			j.age(b, newest, now)
		}
		j.test(verified, b.Verify.Interval.Std(), now, "verified",
			"Run thorbis_exporter backup verify by hand and read its result: the newest backups may be damaged.")
		j.test(restored, b.RestoreTest.Interval.Std(), now, "restored",
			"Run thorbis_exporter backup restore-test by hand and read its result: a backup that cannot be restored is none.")
		if n := f.cover.missing(); n > 0 {
			j.worse(collectors.LevelBad, fmt.Sprintf("%d tenants without backup", n),
				"Look at the program that makes one for each tenant: some tenants of the registry have none that is new enough.")
		}
		var most any
		if b.MaxAge > 0 {
			most = b.MaxAge.Std()
		}
		return collectors.Row{Level: j.level, Cure: j.cure, Cells: []any{
			b.Name, repository, collectors.State(j.state), newest, kind, most, retained, verified.shown(), restored.shown(),
			listed, problem,
		}}
	}
	if len(f.Repositories) == 0 {
		return []collectors.Row{row("", nil)}
	}
	var all []collectors.Row
	for _, name := range slices.Sorted(maps.Keys(f.Repositories)) {
		all = append(all, row(name, f.Repositories[name]))
	}
	return all
}

// listing judges whether the backups could be listed.
func (j *judged) listing(f *facts, r *repositoryFacts, newest time.Time) {
	switch {
	case f.LastAttempt.IsZero():
		j.worse(collectors.LevelUnknown, "not listed yet", "")
	case r == nil || r.ListedAt.IsZero():
		j.worse(collectors.LevelBad, "cannot be listed",
			"Correct what the problem names: nothing is known of these backups until they can be listed.")
	case !r.Readable():
		j.worse(collectors.LevelWarning, "cannot be listed now",
			"Correct what the problem names: what is shown was listed before.")
	case r.State == metric.RepositoryMissing || r.State == metric.RepositoryMismatch:
		j.worse(collectors.LevelBad, r.State,
			"Correct the backup's source in the policy, or put the repository back: it is absent, or another's.")
	case newest.IsZero():
		j.worse(collectors.LevelBad, "no backup", "Make one now, then look at why its schedule did not.")
	case r.State != metric.RepositoryOK:
		j.worse(collectors.LevelWarning, r.State, "Look at the repository with its backup program, which reports a fault.")
	}
}

// age compares the newest backup with what the policy expects.
func (j *judged) age(b *config.Backup, newest, now time.Time) {
	age := now.Sub(newest)
	switch {
	case newest.IsZero():
	case b.MaxAge > 0 && age > b.MaxAge.Std():
		j.worse(collectors.LevelBad, "too old",
			"Look at why the last run failed (timer, log), then make one by hand: too much would be lost now.")
	case b.Interval > 0 && age > b.Interval.Std():
		j.worse(collectors.LevelWarning, "overdue", "Look at the timer of the backup: one was due, and has not come yet.")
	}
}

// test compares the last test of a kind with what the policy expects.
func (j *judged) test(t *testFacts, interval time.Duration, now time.Time, done, cure string) {
	switch {
	case t.Last != nil && !t.Last.Success:
		j.worse(collectors.LevelBad, "last test failed", cure)
	case interval == 0:
	case t.LastSuccess.IsZero():
		j.worse(collectors.LevelWarning, "never "+done, "Look at the timer of the test: the policy demands one.")
	case now.Sub(t.LastSuccess) > interval:
		j.worse(collectors.LevelWarning, "not "+done+" in time", "Look at the timer of the test: it is overdue.")
	}
}

// shown is the last run of a test, nil if there was none.
func (t *testFacts) shown() any {
	switch {
	case t.Last == nil:
		return nil
	case t.Last.Success:
		return t.Last.Finished
	}
	failed := fmt.Sprintf("failed %d of %d checks", t.Last.Failed(), len(t.Last.Checks))
	if t.LastSuccess.IsZero() {
		return collectors.Explained{Text: t.Last.Finished, Detail: failed + ", never succeeded"}
	}
	return collectors.Explained{
		Text: t.Last.Finished, Detail: failed + ", succeeded " + t.LastSuccess.UTC().Format("2006-01-02 15:04Z"),
	}
}

// newest returns the newest point to which can be restored, and the kind of backup that gives it.
func (r *repositoryFacts) newest() (at time.Time, kind string) {
	for _, k := range slices.Sorted(maps.Keys(r.Groups)) {
		if stop := r.Groups[k].Newest.Stop; stop.After(at) {
			at, kind = stop, k
		}
	}
	if w := r.WAL; w != nil && w.NewestAt.After(at) {
		at, kind = w.NewestAt, metric.KindWAL
	}
	return at, kind
}

func (r *repositoryFacts) retained() (n int) {
	for _, g := range r.Groups {
		n += g.Retained
	}
	return n
}

// missing is how many tenants have no backup that is new enough.
func (c *cover) missing() (n int) {
	for _, uncovered := range c.uncovered {
		n += uncovered
	}
	return n
}

var _ collectors.Sections = (*Collector)(nil)
