package backup

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Each state of a backup has its level, and a cure where it is not well.
func TestSectionRows(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	hour := config.Duration(time.Hour)
	expected := &config.Backup{
		Name: "main", Interval: hour, MaxAge: 2 * hour, Verify: config.BackupVerify{Interval: 24 * hour},
	}
	listed := func(change func(*facts, *repositoryFacts)) *facts {
		f := newFacts("pgbackrest")
		f.LastAttempt = now
		f.Tests[metric.TestVerify].record(&result.Result{Finished: now.Add(-time.Hour), Success: true}, now)
		r := &repositoryFacts{
			Repository: program.Repository{Name: "repo1", State: metric.RepositoryOK}, ListedAt: now,
			Groups: map[string]*program.Group{
				metric.KindFull:        {Newest: program.Item{Stop: now.Add(-10 * time.Hour)}, Retained: 2},
				metric.KindIncremental: {Newest: program.Item{Stop: now.Add(-30 * time.Minute)}, Retained: 3},
			},
		}
		f.Repositories["repo1"] = r
		change(f, r)
		return f
	}
	age := func(d time.Duration) func(*facts, *repositoryFacts) {
		return func(_ *facts, r *repositoryFacts) { r.Groups[metric.KindIncremental].Newest.Stop = now.Add(-d) }
	}
	test := func(name string, success bool, ago time.Duration) func(*facts, *repositoryFacts) {
		return func(f *facts, _ *repositoryFacts) {
			f.Tests[name] = &testFacts{}
			f.Tests[name].record(&result.Result{Finished: now.Add(-ago), Success: success}, now)
		}
	}
	for _, tc := range []struct {
		state  collectors.State
		level  collectors.Level
		change func(*facts, *repositoryFacts)
	}{
		{"ok", collectors.LevelOK, func(*facts, *repositoryFacts) {}},
		{"overdue", collectors.LevelWarning, age(90 * time.Minute)},
		{"too old", collectors.LevelBad, age(3 * time.Hour)},
		{"ok", collectors.LevelOK, func(_ *facts, r *repositoryFacts) {
			age(3*time.Hour)(nil, r)
			r.WAL = &program.Archive{NewestAt: now.Add(-time.Minute)} // a point to restore to all the same
		}},
		{"no backup", collectors.LevelBad, func(_ *facts, r *repositoryFacts) { clear(r.Groups) }},
		{"missing", collectors.LevelBad, func(_ *facts, r *repositoryFacts) { r.State = metric.RepositoryMissing }},
		{"cannot be listed now", collectors.LevelWarning, func(_ *facts, r *repositoryFacts) {
			r.State = metric.RepositoryUnreadable
		}},
		{"cannot be listed", collectors.LevelBad, func(f *facts, _ *repositoryFacts) { clear(f.Repositories) }},
		{"not listed yet", collectors.LevelUnknown, func(f *facts, _ *repositoryFacts) {
			f.LastAttempt = time.Time{}
			clear(f.Repositories)
		}},
		{"last test failed", collectors.LevelBad, test(metric.TestRestore, false, time.Hour)},
		{"not verified in time", collectors.LevelWarning, test(metric.TestVerify, true, 25*time.Hour)},
		{"never verified", collectors.LevelWarning, func(f *facts, _ *repositoryFacts) {
			f.Tests[metric.TestVerify] = &testFacts{}
		}},
		{"2 tenants without backup", collectors.LevelBad, func(f *facts, _ *repositoryFacts) {
			f.cover.uncovered = map[string]int{"gold": 2}
		}},
	} {
		got := rows(expected, listed(tc.change), now)
		if len(got) != 1 || got[0].Level != tc.level || got[0].Cells[2] != tc.state {
			t.Errorf("%+v, want %s, %s", got, tc.state, tc.level)
		}
		if (got[0].Cure == "") != (tc.level == collectors.LevelOK || tc.level == collectors.LevelUnknown) {
			t.Errorf("%s: cure %q", tc.state, got[0].Cure)
		}
	}
	row := rows(expected, listed(func(*facts, *repositoryFacts) {}), now)[0]
	if row.Cells[3] != now.Add(-30*time.Minute) || row.Cells[4] != metric.KindIncremental || row.Cells[6] != 5 ||
		row.Cells[7] != now.Add(-time.Hour) || row.Cells[8] != nil {
		t.Errorf("%+v", row)
	}
}

func TestSectionsOfACollector(t *testing.T) {
	c := newCollector(t, nil, scripted(t, "/bin/false", t.TempDir()))
	if err := c.listNow(t); err == nil {
		t.Fatal("no error")
	}
	s := c.Sections(collectors.SectionRequest{Now: time.Now(), Limit: 10})
	if err := s[0].Validate(); err != nil || len(s[0].Rows) != 1 {
		t.Fatalf("%v: %+v", err, s)
	}
	if row := s[0].Rows[0]; row.Cells[0] != "main" || row.Cells[2] != collectors.State("cannot be listed") ||
		row.Cells[10] == "" {
		t.Errorf("%+v", row)
	}
}
