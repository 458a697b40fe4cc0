package program

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/supabase"
	"github.com/thorbis/thorbis_exporter/metric"
)

func supabaseOf(t *testing.T, b supabase.Backups) *Listing {
	return listed(t, metric.KindFull, func(to *Listing) error { return listSupabase(b, to) })
}

// An empty list and no physical data is no backup, whatever walg_enabled says.
func TestSupabaseEmptyListAndObjectIsNoBackup(t *testing.T) {
	if g := supabaseOf(t, supabase.Backups{WALG: true}).only(t, metric.KindFull); g.Retained != 0 ||
		!g.Newest.Stop.IsZero() {
		t.Errorf("%+v", g)
	}
}

// With point-in-time recovery the list is empty and only the newest point moves.
func TestSupabasePITRMovesTheNewestPointOnly(t *testing.T) {
	at := func(earliest, latest int64) supabase.Backups {
		return supabase.Backups{PITR: true, Earliest: time.Unix(earliest, 0), Latest: time.Unix(latest, 0)}
	}
	first, second := supabaseOf(t, at(1789300000, 1789990000)), supabaseOf(t, at(1789300600, 1789990600))
	if w := second.Repositories[DefaultRepository].WAL; w == nil || w.NewestAt.Unix() != 1789990600 {
		t.Errorf("%+v", w)
	}
	// The same backups are listed: a point that moved on does not look like one that was deleted.
	if !maps.EqualFunc(first.Seen, second.Seen, func(a, b map[uint64]int64) bool {
		return slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
	}) {
		t.Errorf("%v, then %v", first.Seen, second.Seen)
	}
}

func TestSupabaseStatuses(t *testing.T) {
	b := supabase.Backups{}
	for i, status := range []string{
		supabase.BackupCompleted, supabase.BackupFailed, supabase.BackupPending,
		supabase.BackupRemoved, supabase.BackupArchived, supabase.BackupCancelled,
	} {
		b.Backups = append(b.Backups, supabase.Backup{
			ID: int64(i), Status: status,
			Inserted: time.Unix(1789990000+int64(i), 0),
		})
	}
	if g := supabaseOf(t, b).only(t, metric.KindFull); g.Retained != 1 || g.LastFailure.Unix() != 1789990005 {
		t.Errorf("%+v", g)
	}
}

// The adapter against a server that speaks the API of Supabase: what it asks, with which token, and what it makes of
// refusals.
func TestSupabaseAPI(t *testing.T) {
	const project = "abcdefghijklmnopqrst"
	status, body := http.StatusOK, `{"region":"eu-central-1","walg_enabled":true,"pitr_enabled":true,
		"backups":[{"id":1,"is_physical_backup":true,"status":"COMPLETED","inserted_at":"2026-09-20T02:00:00Z"},
			{"id":2,"is_physical_backup":true,"status":"FAILED","inserted_at":"2026-09-21T02:00:00Z"}],
		"physical_backup_data":{"earliest_physical_backup_date_unix":1789300000,
			"latest_physical_backup_date_unix":1790000000}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/projects/"+project+"/database/backups" ||
			r.Header.Get("Authorization") != "Bearer sbp_secret" {
			t.Errorf("%s %s with %d bytes of authorization", r.Method, r.URL, len(r.Header.Get("Authorization")))
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	backuptest.Write(t, token, []byte("sbp_secret\n"), backuptest.Noon)
	b := backuptest.Policy(t, config.BackupSource{
		Program: "supabase", Scope: project, Endpoint: server.URL,
		Secrets: map[string]*config.SecretRef{"token": {File: token}},
	})
	s := listReal(t, b)
	if g := s.only(t, metric.KindFull); !g.Newest.Stop.Equal(stamp(t, "2026-09-20T02:00:00Z")) ||
		!g.LastFailure.Equal(stamp(t, "2026-09-21T02:00:00Z")) {
		t.Errorf("%+v", g)
	}
	if w := s.Repositories[DefaultRepository].WAL; w == nil || w.NewestAt.Unix() != 1790000000 {
		t.Errorf("%+v", w)
	}
	for _, c := range []struct {
		status       int
		body, reason string
	}{
		{http.StatusOK, `{"backups":[`, metric.ListingMalformed},
		{http.StatusUnauthorized, `{"message":"sbp_secret"}`, metric.ListingAuth},
		{http.StatusNotFound, `{}`, metric.ListingMissing},
		{http.StatusInternalServerError, `oops`, metric.ListingNetwork},
	} {
		status, body = c.status, c.body
		if err := listError(t, b); Reason(err) != c.reason || strings.Contains(err.Error(), "sbp_secret") {
			t.Errorf("%d: %s: %v", c.status, Reason(err), err)
		}
	}
}
