package backup

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// The last success outlives failures after it, and an old file changes nothing.
func TestLastSuccessOutlivesFailures(t *testing.T) {
	result := func(at int64, ok bool) *result.Result {
		return &result.Result{Started: time.Unix(at-10, 0), Finished: time.Unix(at, 0), Success: ok}
	}
	var f testFacts
	if !f.record(result(100, true), time.Unix(1000, 0)) || !f.record(result(200, false), time.Unix(1000, 0)) ||
		f.record(result(200, false), time.Unix(1000, 0)) || f.record(result(150, true), time.Unix(1000, 0)) ||
		f.record(nil, time.Unix(1000, 0)) {
		t.Error("news is not what it should be")
	}
	if f.LastSuccess.Unix() != 100 || f.Last.Success || f.Duration != 10 {
		t.Errorf("%+v", f)
	}
}

// A failed test exports what ThorbisBackupVerifyFailed fires on: a last run after the last success.
func TestFailedTestIsExposed(t *testing.T) {
	b := backuptest.Policy(t, config.BackupSource{Program: "restic", Repository: "/r"})
	c := newCollector(t, nil, &config.Policy{Backups: []*config.Backup{b}})
	for at, success := range []bool{true, false} {
		finished := backuptest.Noon.Add(time.Duration(at) * time.Hour)
		r := result.Result{
			Backup: b.Name, Test: metric.TestVerify, Started: finished.Add(-time.Minute), Finished: finished, Success: success,
			Checks: []result.Check{{Name: "restic check", Success: success}},
		}
		if err := r.Write(b.Results); err != nil {
			t.Fatal(err)
		}
		if err := c.readResults(t.Context()); err != nil {
			t.Fatal(err)
		}
		run, _ := value(t, c, metric.BackupTestLastRun, b.Name, metric.TestVerify)
		last, ok := value(t, c, metric.BackupTestLastSuccess, b.Name, metric.TestVerify)
		if !ok || success != (run == last) || run < last {
			t.Errorf("success %v: last run %v, last success %v", success, run, last)
		}
	}
}
