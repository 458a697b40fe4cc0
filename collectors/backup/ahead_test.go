package backup

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A result of a clock that was a year ahead hides neither the failure that follows, nor for a year that no test is
// made.
func TestResultFromTheFutureHidesNothing(t *testing.T) {
	now := time.Now()
	result := func(at time.Time, ok bool) *result.Result {
		return &result.Result{Started: at.Add(-time.Minute), Finished: at, Success: ok}
	}
	year := now.AddDate(1, 0, 0)
	var f testFacts
	if !f.record(result(year, true), now) || !f.LastSuccess.Equal(now) || f.Duration != 60 {
		t.Fatalf("%+v", f)
	}
	if f.record(result(year, true), now.Add(time.Hour)) || f.record(result(year, true), year.Add(time.Hour)) ||
		!f.LastSuccess.Equal(now) {
		t.Errorf("the same result is news again: %+v", f)
	}
	if !f.record(result(now.Add(time.Minute), false), now.Add(time.Minute)) || f.Last.Success {
		t.Errorf("the failure that follows is hidden: %+v", f.Last)
	}
	if f.record(result(year, true), now.Add(2*time.Minute)) && f.Last.Success {
		t.Errorf("the older file replaces the newer one: %+v", f.Last)
	}

	// Saved by a version that believed it, or by an exporter whose own clock was ahead.
	saved := newFacts("pgbackrest")
	saved.Tests[metric.TestVerify] = &testFacts{Last: result(year, true), LastSuccess: year}
	saved.LastAttempt = year
	saved.Repositories["1"] = &repositoryFacts{
		ListedAt: year, Groups: map[string]*program.Group{metric.KindFull: {Newest: program.Item{Stop: year}}},
		Removed:    []removal{{At: year}},
		Repository: program.Repository{WAL: &program.Archive{NewestAt: year}},
	}
	saved.Tenants = map[string]program.TenantNewest{"acme": {Stop: year}}
	if !saved.settle(now) || saved.settle(now) {
		t.Error("not settled once")
	}
	verified, repository := saved.Tests[metric.TestVerify], saved.Repositories["1"]
	for what, at := range map[string]time.Time{
		"attempt": saved.LastAttempt, "success": verified.LastSuccess, "result": verified.Last.Finished,
		"listing": repository.ListedAt,
		"backup":  repository.Groups[metric.KindFull].Newest.Stop, "removal": repository.Removed[0].At,
		"log":    repository.WAL.NewestAt,
		"tenant": saved.Tenants["acme"].Stop,
	} {
		if !at.Equal(now) {
			t.Errorf("the %s is of %s", what, at)
		}
	}
	if !verified.record(result(now.Add(time.Second), false), now.Add(time.Second)) || verified.Last.Success {
		t.Errorf("the failure after the start is hidden: %+v", verified.Last)
	}
}

// A backup, a log and a listing file of a clock that was ahead count as of when they were first listed, also over
// restarts, and also once the time that they claim has come.
func TestBackupsFromTheFuture(t *testing.T) {
	dir := t.TempDir()
	open := func() *state.Dir {
		t.Helper()
		s, err := state.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	file := filepath.Join(t.TempDir(), "listing.json")
	year := time.Now().AddDate(1, 0, 0).Truncate(time.Second)
	put := func(modified time.Time, backups ...time.Time) {
		t.Helper()
		var list []string
		for i, at := range backups {
			list = append(list, fmt.Sprintf(`{"id":"b%d","kind":"full","start":%q,"stop":%q}`, i,
				at.Add(-time.Hour).Format(time.RFC3339), at.Format(time.RFC3339)))
		}
		backuptest.Write(t, file, fmt.Appendf(nil, `{"version":1,"backups":[%s],"wal":[{"newest_at":%q}]}`,
			strings.Join(list, ","), backups[0].Format(time.RFC3339)), modified)
	}
	old := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	put(year, year, old)
	policy := &config.Policy{Backups: []*config.Backup{backuptest.Policy(t,
		config.BackupSource{Program: "json", File: file})}}
	s := open()
	c := newCollector(t, s, policy)
	began := time.Now().Add(-time.Second)
	if err := c.listNow(t); err != nil {
		t.Fatal(err)
	}
	times := func(c *Collector) [3]float64 {
		t.Helper()
		var all [3]float64
		all[0], _ = value(t, c, metric.BackupLastSuccess, "main", metric.KindFull, program.DefaultRepository, "")
		all[1], _ = value(t, c, metric.BackupLastSuccess, "main", metric.KindWAL, program.DefaultRepository, "")
		all[2], _ = value(t, c, metric.BackupListingLastSuccess, "main", program.DefaultRepository)
		return all
	}
	first := times(c)
	for i, at := range first {
		if at < float64(began.Unix()) || at > float64(time.Now().Unix()+1) {
			t.Errorf("%d: %v is not when it was first listed", i, at)
		}
	}
	if v, ok := value(t, c, metric.BackupLastDuration, "main", metric.KindFull, program.DefaultRepository, ""); ok {
		t.Errorf("it took %v", v)
	}
	if c.facts["main"].problem == "" {
		t.Error("no word of it")
	}
	if err := c.save(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer s.Close()
	c = newCollector(t, s, policy)
	if err := c.listNow(t); err != nil {
		t.Fatal(err)
	}
	if restarted := times(c); restarted != first {
		t.Errorf("after a restart %v, want %v", restarted, first)
	}
	// The time that they claim comes.
	to := program.NewListing(false)
	to.Now, to.Known = year.Add(time.Hour), c.facts["main"].aheadOf()
	again := program.NewItem()
	again.ID, again.Kind, again.Stop = "b0", metric.KindFull, year
	if err := to.Add(again); err != nil {
		t.Fatal(err)
	}
	to.Repositories[program.DefaultRepository].WAL = &program.Archive{NewestAt: year, Missing: program.Unknown}
	c.facts["main"].merge(to, to.Now)
	if later := times(c); later[0] != first[0] || later[1] != first[1] {
		t.Errorf("a year later %v, want %v", later, first)
	}
}
