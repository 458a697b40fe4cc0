package program

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Messages lie beside the servers under keys that begin with an underscore; times are text.
func TestBarmanSkipsMessages(t *testing.T) {
	s := parsed(t, "barman")
	if g := s.only(t, metric.KindFull); g.Retained != 1 || g.Newest.Stop.Unix() != 1789869700 ||
		g.Newest.Size != 31_000_000 {
		t.Errorf("%+v", g)
	}
	if err := parseBarman(backuptest.Recorded(t, "barman.json"), "_WARNING", NewListing(false)); err == nil {
		t.Error("messages are taken for a server")
	}
}

func TestBarmanFailedRunsAreListed(t *testing.T) {
	if g := parsed(t, "barman").only(t, metric.KindFull); !g.LastFailure.Equal(stamp(t, "2026-09-19T02:00:00Z")) {
		t.Errorf("%+v", g)
	}
}

func TestBarmanWaitingForWALsIsNotYetConsistent(t *testing.T) {
	if g := parsed(t, "barman").Groups[GroupKey{DefaultRepository, metric.KindIncremental}]; g != nil && g.Retained != 0 {
		t.Errorf("%+v", g)
	}
}

func TestBarmanChecks(t *testing.T) {
	checks, err := parseBarmanChecks([]byte(
		`{"_INFO":[],"main":{"postgresql":{"status":"OK","hint":""},"archiver_errors":{"status":"FAILED",`+
			`"hint":"duplicates: 1"}}}`), "main")
	if err != nil || len(checks) != 2 || checks[0].problem == nil ||
		checks[0].problem.Error() != "FAILED duplicates: 1" || checks[1].problem != nil {
		t.Errorf("%+v, %v", checks, err)
	}
}

// Barman ends with 1 if a check fails, and says which on its output.
func TestBarmanCheckExitsWith1(t *testing.T) {
	b := backuptest.Scripted(t, config.BackupSource{Program: "barman", Scope: "main"}, `case "$*" in
		*check*) echo '{"_WARNING":["x"],"main":{"wal_maximum_age":{"status":"FAILED",`+
		`"hint":"interval provided: 1 hour"},"postgresql":{"status":"OK","hint":""}}}'; exit 1;;
		*list-backups*) echo '{"main":[]}';;
		*) exit 2;; esac`)
	r := verified(t, b)
	if len(r.checks) != 2 || r.checks[0].err != nil || r.checks[1].name != "wal_maximum_age" || r.checks[1].err == nil ||
		r.checks[1].err.Error() != "FAILED interval provided: 1 hour" {
		t.Errorf("%+v", r)
	}
}

func FuzzBarmanChecks(f *testing.F) {
	f.Add([]byte(`{"_INFO":[],"main":{"postgresql":{"status":"OK","hint":""}}}`))
	f.Add([]byte(`{"main":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		checks, err := parseBarmanChecks(text, "main")
		if err != nil && checks != nil {
			t.Errorf("%+v beside %v", checks, err)
		}
	})
}

func FuzzBarman(f *testing.F) { fuzzListing(f, "barman") }
