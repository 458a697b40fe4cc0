package backup

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/command"
	"github.com/thorbis/thorbis_exporter/internal/s3test"
	"github.com/thorbis/thorbis_exporter/metric"
)

// speaking is a policy whose program is a script.
func speaking(t *testing.T, s config.BackupSource, text string) *config.Backup {
	t.Helper()
	program := filepath.Join(t.TempDir(), s.Program)
	script(t, program, text)
	s.Command = []string{program}
	return realPolicy(t, s)
}

// listError is what a listing fails with; nothing of it may be believed.
func listError(t *testing.T, b *config.Backup) error {
	t.Helper()
	q, err := newQuery(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := q.list(t.Context(), false)
	if err == nil {
		t.Fatalf("it is listed: %+v", s.groups)
	}
	return err
}

// 3 is a backup some files of which could not be read, 10 no repository, 11 a lock, 12 a wrong password: none of them is an
// empty list, and a code that is not known is a failure too.
func TestResticExitCodes3And10And11And12(t *testing.T) {
	for _, code := range []int{1, 3, 10, 11, 12, 130, 77} {
		b := speaking(t, config.BackupSource{Program: "restic", Repository: "/r"},
			fmt.Sprintf(`echo '[]'; echo '{"message_type":"exit_error","code":%d,"message":"Fatal: no"}' >&2; exit %d`, code, code))
		err := listError(t, b)
		exit, ok := errors.AsType[*command.ExitError](err)
		if !ok || exit.Code != code || reason(err) != metric.ListingExit || !strings.Contains(err.Error(), "Fatal: no") {
			t.Errorf("%d: %v", code, err)
		}
		if r := verifyReal(t, b); r.Success {
			t.Errorf("%d: a verification passes", code)
		}
	}
}

// 1 is a warning of Borg, and so is 100 and more with modern exit codes: the listing holds, and the warning is shown with the
// repository. A verification that ends with one has found something.
func TestBorgExitCode1IsAWarning(t *testing.T) {
	listing, _ := filepath.Abs("testdata/borg.json")
	for _, code := range []int{1, 100, 127} {
		b := speaking(t, config.BackupSource{Program: "borg", Repository: "/r"}, fmt.Sprintf("cat %s; echo 'the index is stale' >&2; exit %d", listing, code))
		s := listReal(t, b)
		if g := s.only(t, metric.KindSnapshot); g.Retained == 0 {
			t.Errorf("%d: %+v", code, g)
		}
		if r := s.repositories[defaultRepository]; r.State != metric.RepositoryOK || !strings.Contains(r.Problem, "the index is stale") {
			t.Errorf("%d: %+v", code, r)
		}
		if r := verifyReal(t, b); r.Success || !strings.Contains(r.Checks[0].Detail, fmt.Sprint("exited with code ", code)) {
			t.Errorf("%d: %+v", code, r)
		}
	}
	for _, text := range []string{"cat " + listing + "; exit 2", "head -c 100 " + listing + "; exit 1", "exit 1"} {
		_ = listError(t, speaking(t, config.BackupSource{Program: "borg", Repository: "/r"}, text))
	}
}

// Versions of WAL-G before 3 print nothing for a storage without backups, and end well.
func TestWALGWithoutBackups(t *testing.T) {
	b := speaking(t, config.BackupSource{Program: "wal-g"}, `test "$WALG_LOG_DESTINATION" = stderr || exit 9
		case "$*" in *wal-show*) echo '[]';; *) echo 'INFO: 2026/09/20 02:00:00 No backups found' >&2;; esac`)
	s := listReal(t, b)
	if g := s.only(t, metric.KindFull); g.Retained != 0 || s.repositories[defaultRepository].State != metric.RepositoryEmpty {
		t.Errorf("%+v", g)
	}
	b = speaking(t, config.BackupSource{Program: "wal-g"}, "echo 'INFO: no route' >&2")
	if err := listError(t, b); !strings.Contains(err.Error(), "it is empty") {
		t.Errorf("nothing at all: %v", err)
	}
}

// Barman ends with 1 if a check fails, and says which on its output.
func TestBarmanCheckExitsWith1(t *testing.T) {
	b := speaking(t, config.BackupSource{Program: "barman", Scope: "main"}, `case "$*" in
		*check*) echo '{"_WARNING":["x"],"main":{"wal_maximum_age":{"status":"FAILED","hint":"interval provided: 1 hour"},"postgresql":{"status":"OK","hint":""}}}'; exit 1;;
		*list-backups*) echo '{"main":[]}';;
		*) exit 2;; esac`)
	r := verifyReal(t, b)
	if r.Success || r.failedChecks() != 1 || len(r.Checks) != 2 || r.Checks[1].Name != "wal_maximum_age" || r.Checks[1].Detail != "FAILED interval provided: 1 hour" {
		t.Errorf("%+v", r)
	}
}

// WAL-G logs to stderr, also where all is well.
func TestWALGLogsToStderr(t *testing.T) {
	listing, _ := filepath.Abs("testdata/walg.json")
	b := speaking(t, config.BackupSource{Program: "wal-g"}, `echo 'INFO: 2026/09/20 List backups from storages: [default]' >&2
		case "$*" in *wal-show*) echo '[]';; *) cat `+listing+`;; esac`)
	if g := listReal(t, b).only(t, metric.KindFull); g.Retained != 1 {
		t.Errorf("%+v", g)
	}
}

// Directory buckets list in no order.
func TestS3KeysInNoOrder(t *testing.T) {
	objects := []s3test.Object{
		{Key: "c.dump", Modified: noon.Add(-time.Hour), Size: 1},
		{Key: "a.dump", Modified: noon, Size: 3},
		{Key: "b.dump", Modified: noon.Add(-2 * time.Hour), Size: 2},
	}
	s := s3test.NewFunc("backups", "AKIATEST", len(objects), func(i int) s3test.Object { return objects[i] })
	defer s.Close()
	g := listReal(t, bucket(t, s, "", "*.dump")).only(t, metric.KindFull)
	if g.Retained != 3 || g.Newest.ID != "a.dump" || !g.Newest.Stop.Equal(noon) || !g.Oldest.Equal(noon.Add(-2*time.Hour)) {
		t.Errorf("%+v", g)
	}
}

// A delete marker hides its object from the listing: the backup is gone, whatever older versions there are.
func TestS3DeleteMarkerHidesAnObject(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	objects := []s3test.Object{{Key: "a.dump", Modified: now.Add(-2 * time.Hour), Size: 1}, {Key: "b.dump", Modified: now.Add(-time.Hour), Size: 1}}
	s := s3test.NewFunc("backups", "AKIATEST", 2, func(i int) s3test.Object { return objects[i] })
	defer s.Close()
	b := bucket(t, s, "", "*.dump")
	c := newCollector(t, nil, &config.Policy{Backups: []*config.Backup{b}})
	if err := c.listNow(t); err != nil {
		t.Fatal(err)
	}
	s.Len = 1
	if err := c.listNow(t); err != nil {
		t.Fatal(err)
	}
	if v, _ := value(t, c, metric.BackupRetained, "main", metric.KindFull, defaultRepository, ""); v != 1 {
		t.Errorf("%v are kept", v)
	}
	if v, ok := value(t, c, metric.BackupRemovedAge, "main", defaultRepository); !ok || v < 3600 || v > 7200 {
		t.Errorf("removed at the age of %v, %v", v, ok)
	}
}

// A listing that a timer wrote is as old as its file, and nothing is run for it.
func TestListingFromAFile(t *testing.T) {
	written := time.Now().Add(-25 * time.Minute).Truncate(time.Second)
	for fixed, s := range map[string]config.BackupSource{
		"restic": {Program: "restic"}, "barman": {Program: "barman", Scope: "main"}, "borg": {Program: "borg"}, "walg": {Program: "wal-g"},
		"kopia": {Program: "kopia", Scope: "/srv"}, "velero": {Program: "velero", Scope: "nightly"}, "generic": {Program: "json"},
		"pgbackrest": {Program: "pgbackrest", Scope: "main"},
	} {
		t.Run(fixed, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir()) // no program is found
			s.File = filepath.Join(t.TempDir(), "listing.json")
			write(t, s.File, fixture(t, fixed+".json"), written)
			b := realPolicy(t, s)
			c := newCollector(t, nil, &config.Policy{Backups: []*config.Backup{b}})
			if err := c.listNow(t); err != nil && !strings.Contains(err.Error(), "repository ") { // what the file itself says of one
				t.Fatal(err)
			}
			known := 0
			for name, r := range c.facts["main"].Repositories {
				if !r.readable() {
					continue
				}
				if known++; !r.ListedAt.Equal(written) {
					t.Errorf("repository %s is listed as of %s, want %s", name, r.ListedAt, written)
				}
			}
			if known == 0 {
				t.Fatal("nothing is known")
			}
			if _, err := Verify(t.Context(), b, t.Logf); err == nil {
				t.Error("what is elsewhere is verified here")
			}
			if err := os.Remove(s.File); err != nil {
				t.Fatal(err)
			}
			if err := listError(t, b); reason(err) != metric.ListingMissing {
				t.Errorf("without its file: %v", err)
			}
		})
	}
}

// The adapter against a server that speaks the API of Supabase: what it asks, with which token, and what it makes of refusals.
func TestSupabaseAPI(t *testing.T) {
	const project = "abcdefghijklmnopqrst"
	status, body := http.StatusOK, `{"region":"eu-central-1","walg_enabled":true,"pitr_enabled":true,
		"backups":[{"id":1,"is_physical_backup":true,"status":"COMPLETED","inserted_at":"2026-09-20T02:00:00Z"},
			{"id":2,"is_physical_backup":true,"status":"FAILED","inserted_at":"2026-09-21T02:00:00Z"}],
		"physical_backup_data":{"earliest_physical_backup_date_unix":1789300000,"latest_physical_backup_date_unix":1790000000}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/projects/"+project+"/database/backups" || r.Header.Get("Authorization") != "Bearer sbp_secret" {
			t.Errorf("%s %s with %d bytes of authorization", r.Method, r.URL, len(r.Header.Get("Authorization")))
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	write(t, token, []byte("sbp_secret\n"), noon)
	b := realPolicy(t, config.BackupSource{
		Program: "supabase", Scope: project, Endpoint: server.URL, Secrets: map[string]*config.SecretRef{"token": {File: token}},
	})
	s := listReal(t, b)
	if g := s.only(t, metric.KindFull); !g.Newest.Stop.Equal(stamp(t, "2026-09-20T02:00:00Z")) || !g.LastFailure.Equal(stamp(t, "2026-09-21T02:00:00Z")) {
		t.Errorf("%+v", g)
	}
	if w := s.repositories[defaultRepository].WAL; w == nil || w.NewestAt.Unix() != 1790000000 {
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
		if err := listError(t, b); reason(err) != c.reason || strings.Contains(err.Error(), "sbp_secret") {
			t.Errorf("%d: %s: %v", c.status, reason(err), err)
		}
	}
}

func FuzzWALGShow(f *testing.F) {
	f.Add([]byte(`[{"id":1,"start_segment":"000000010000000000000001","end_segment":"0000000100000000000000A4","missing_segments":["000000010000000000000002"]}]`))
	f.Add([]byte(`[{"id":4294967295,"start_segment":"FFFFFFFFFFFFFFFFFFFFFFFF","end_segment":"FFFFFFFFFFFFFFFFFFFFFFFF"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		to := newListing(false)
		if err := to.repository(Repository{Name: defaultRepository}); err != nil {
			t.Fatal(err)
		}
		if err := parseWALGShow(text, to); err == nil {
			if w := to.repositories[defaultRepository].WAL; w != nil && w.Missing < 0 {
				t.Errorf("%+v", w)
			}
		}
	})
}

func FuzzWALGVerify(f *testing.F) {
	f.Add([]byte(`{"integrity":{"status":"FAILURE","details":[{"segments_count":3,"status":"MISSING_LOST"}]},"timeline":{"status":"OK"}}`))
	f.Add([]byte(`{"integrity":{"status":"OK"},"timeline":{"status":"OK"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		v := &verification{say: func(string, ...any) {}}
		if parseWALGVerify(text, v) == nil && len(v.Checks) != 2 {
			t.Errorf("%+v", v.Checks)
		}
	})
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

func FuzzBorgList(f *testing.F) {
	f.Add(fixture(f, "borg.json"))
	f.Add([]byte(`{"archives":[{"id":"1","name":"db-1","time":"2026-09-20T02:00:00.000000"}]}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		to := newListing(true)
		if parseBorg(text, &config.BackupSource{Scope: "db-", TimeZone: "Europe/Berlin", Pattern: "{tenant}"}, false, to) == nil {
			to.finish(metric.KindSnapshot)
		}
	})
}
