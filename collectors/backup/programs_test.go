package backup

import (
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/supabase"
	"github.com/thorbis/thorbis_exporter/metric"
)

// The parsers of programs that print one listing, with the fixture that each is tested and fuzzed with.
var parsers = map[string]struct {
	kind  string
	parse func(text []byte, to *listing) error
}{
	"restic": {metric.KindSnapshot, func(text []byte, to *listing) error { return parseRestic(text, "tenant={tenant}", to) }},
	"barman": {metric.KindFull, func(text []byte, to *listing) error { return parseBarman(text, "main", to) }},
	"borg": {metric.KindSnapshot, func(text []byte, to *listing) error {
		return parseBorg(text, &config.BackupSource{Scope: "db-", TimeZone: "Europe/Berlin"}, true, to)
	}},
	"walg":  {metric.KindFull, parseWALG},
	"kopia": {metric.KindSnapshot, func(text []byte, to *listing) error { return parseKopia(text, &config.BackupSource{Scope: "/srv"}, to) }},
	"velero": {metric.KindFull, func(text []byte, to *listing) error {
		return parseVelero(text, &config.BackupSource{Scope: "nightly"}, to)
	}},
	"generic": {metric.KindFull, parseGeneric},
	"pgbackrest": {metric.KindFull, func(text []byte, to *listing) error {
		_, err := parsePgBackRest(text, "main", to)
		return err
	}},
}

func parsed(t *testing.T, program string) *listing {
	t.Helper()
	return listed(t, parsers[program].kind, func(to *listing) error { return parsers[program].parse(fixture(t, program+".json"), to) })
}

func (s *listing) only(t *testing.T, kind string) *group {
	t.Helper()
	g := s.groups[groupKey{defaultRepository, kind}]
	if g == nil {
		t.Fatalf("no group of %s in %v", kind, s.groups)
	}
	return g
}

func stamp(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func FuzzListings(f *testing.F) {
	for program := range parsers {
		f.Add(program, fixture(f, program+".json"))
	}
	f.Add("generic", []byte(`{"version":1,"backups":[{"kind":"full","stop":"9999-12-31T23:59:59Z"}]}`))
	f.Fuzz(func(_ *testing.T, program string, text []byte) {
		p, ok := parsers[program]
		if !ok {
			return
		}
		to := newListing(true)
		if p.parse(text, to) == nil {
			to.finish(p.kind)
		}
	})
}

// Half a document, a document of another kind and one more document are refused, whatever the program.
func TestHalfADocumentIsRefused(t *testing.T) {
	for program, p := range parsers {
		whole := string(fixture(t, program+".json"))
		const log = "2026-11-29 14:19:20.600 P00  DEBUG:     command begin"
		for text, want := range map[string]string{
			whole[:len(whole)/2]:                    "cut off",
			"":                                      "it is empty",
			" \n":                                   "it is empty",
			"no backups\n":                          `begins with "no backups"`,
			log + "\n" + whole:                      `begins with "` + log + `"`,
			"[INFO] listing\n" + whole:              `at line 1, "[INFO] listing"`,
			whole + log:                             `followed by "` + log + `"`,
			strings.TrimSpace(whole) + log:          `followed by "` + log + `"`,
			whole + whole:                           "more than one JSON document",
			strings.Replace(whole, ":", "; why", 1): "at line ",
			`"backups"`:                             "begins with",
		} {
			if err := p.parse([]byte(text), newListing(false)); reason(err) != metric.ListingMalformed || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %.60q: %v, want %s", program, text, err, want)
			}
		}
		if err := p.parse([]byte("\ufeff"+whole), newListing(false)); err != nil {
			t.Errorf("%s: behind a byte order mark: %v", program, err)
		}
	}
}

func TestEmptyListIsNoBackup(t *testing.T) {
	for program, text := range map[string]string{
		"restic": `[]`, "barman": `{"main":[]}`, "borg": `{"archives":[]}`, "walg": `[]`, "kopia": `[]`, "velero": `{"items":[]}`, "generic": `{"version":1}`,
	} {
		s := listed(t, parsers[program].kind, func(to *listing) error { return parsers[program].parse([]byte(text), to) })
		if g := s.only(t, parsers[program].kind); g.Retained != 0 || s.repositories[defaultRepository].State != metric.RepositoryEmpty {
			t.Errorf("%s: %+v", program, g)
		}
	}
	// A document without a list is not an empty one.
	for program, text := range map[string]string{
		"barman": `{"main":null}`, "borg": `{"repository":{}}`, "velero": `{}`, "generic": `{}`,
		"pgbackrest": `[{"name":"main","status":{"code":0,"message":"ok"},"repo":[{"key":1,"status":{"code":0}}]}]`,
	} {
		if err := parsers[program].parse([]byte(text), newListing(false)); reason(err) != metric.ListingMalformed {
			t.Errorf("%s: %s: %v", program, text, err)
		}
	}
	if err := parsers["restic"].parse([]byte("null"), newListing(false)); err != nil {
		t.Error("restic of some versions prints null for an empty repository:", err)
	}
}

func TestRestic(t *testing.T) {
	to := newListing(true)
	if err := parsers["restic"].parse(fixture(t, "restic.json"), to); err != nil {
		t.Fatal(err)
	}
	to.finish(metric.KindSnapshot)
	g := to.only(t, metric.KindSnapshot)
	if g.Retained != 2 || g.Newest.Size != 90_000 || g.Newest.Added != 2000 || !g.Newest.Stop.Equal(stamp(t, "2026-09-21T02:03:00Z")) || !g.Oldest.Equal(stamp(t, "2026-09-20T00:00:00.123456789Z")) {
		t.Errorf("%+v", g)
	}
	if len(to.tenants) != 2 || to.tenants["acme"].Kind != metric.KindSnapshot {
		t.Errorf("tenants %v", to.tenants)
	}
}

// Snapshots of restic before 0.17 carry no summary: no size is known, and none is 0.
func TestResticSummaryIsAbsentInOlderSnapshots(t *testing.T) {
	s := listed(t, metric.KindSnapshot, func(to *listing) error {
		return parseRestic([]byte(`[{"time":"2026-09-20T02:00:00Z","id":"a"}]`), "", to)
	})
	if n := s.only(t, metric.KindSnapshot).Newest; n.Size != unknown || n.Added != unknown {
		t.Errorf("%+v", n)
	}
}

func TestResticGroupedSnapshots(t *testing.T) {
	s := listed(t, metric.KindSnapshot, func(to *listing) error {
		return parseRestic([]byte(`[{"group_key":{"hostname":"a"},"snapshots":[{"time":"2026-09-20T02:00:00Z","id":"a"},{"time":"2026-09-21T02:00:00Z","id":"b"}]}]`), "", to)
	})
	if g := s.only(t, metric.KindSnapshot); g.Retained != 2 {
		t.Errorf("%+v", g)
	}
}

// Messages lie beside the servers under keys that begin with an underscore; times are text.
func TestBarmanSkipsMessages(t *testing.T) {
	s := parsed(t, "barman")
	if g := s.only(t, metric.KindFull); g.Retained != 1 || g.Newest.Stop.Unix() != 1789869700 || g.Newest.Size != 31_000_000 {
		t.Errorf("%+v", g)
	}
	if err := parseBarman(fixture(t, "barman.json"), "_WARNING", newListing(false)); err == nil {
		t.Error("messages are taken for a server")
	}
}

func TestBarmanFailedRunsAreListed(t *testing.T) {
	if g := parsed(t, "barman").only(t, metric.KindFull); !g.LastFailure.Equal(stamp(t, "2026-09-19T02:00:00Z")) {
		t.Errorf("%+v", g)
	}
}

func TestBarmanWaitingForWALsIsNotYetConsistent(t *testing.T) {
	if g := parsed(t, "barman").groups[groupKey{defaultRepository, metric.KindIncremental}]; g != nil && g.Retained != 0 {
		t.Errorf("%+v", g)
	}
}

func TestBarmanChecks(t *testing.T) {
	checks, err := parseBarmanChecks([]byte(`{"_INFO":[],"main":{"postgresql":{"status":"OK","hint":""},"archiver_errors":{"status":"FAILED","hint":"duplicates: 1"}}}`), "main")
	if err != nil || len(checks) != 2 || checks[0].Success || checks[0].Detail != "FAILED duplicates: 1" || !checks[1].Success {
		t.Errorf("%+v, %v", checks, err)
	}
}

func TestBorgTimesHaveNoZone(t *testing.T) {
	g := parsed(t, "borg").only(t, metric.KindSnapshot)
	if !g.Oldest.Equal(stamp(t, "2026-09-20T00:05:00Z")) {
		t.Errorf("02:05 in Berlin is %s", g.Oldest)
	}
	if !g.Newest.Stop.Equal(stamp(t, "2026-09-21T00:05:00Z")) { // this one, of Borg 2, has a zone
		t.Errorf("newest %s", g.Newest.Stop)
	}
}

func TestBorgCheckpointsAndOtherArchivesAreLeftOut(t *testing.T) {
	if g := parsed(t, "borg").only(t, metric.KindSnapshot); g.Retained != 2 || g.Newest.Size != 1100 || g.Newest.Added != 10 {
		t.Errorf("%+v", g)
	}
}

func TestWALGPositionsAreNumbers(t *testing.T) {
	s := parsed(t, "walg")
	if g := s.only(t, metric.KindFull); g.Newest.Position != 1<<64-1 || g.Newest.Size != 31_000_000 || g.Newest.Added != 4_000_000 || !g.Newest.Stop.Equal(stamp(t, "2026-09-20T02:04:58Z")) {
		t.Errorf("%+v", g)
	}
}

func TestWALGDeltaByName(t *testing.T) {
	if g := parsed(t, "walg").only(t, metric.KindIncremental); g.Retained != 1 {
		t.Errorf("%+v", g)
	}
}

func TestWALGShow(t *testing.T) {
	s := newListing(false)
	if err := parseWALG([]byte(`[]`), s); err != nil {
		t.Fatal(err)
	}
	err := parseWALGShow([]byte(`[{"id":1,"parent_id":0,"start_segment":"000000010000000000000001","end_segment":"000000010000000000000004","segments_count":3,"missing_segments":["000000010000000000000003"],"status":"LOST_SEGMENTS"}]`), s)
	if w := s.repositories[defaultRepository].WAL; err != nil || w.Missing != 1 || w.Newest != 5<<24 || w.Oldest != 1<<24 {
		t.Errorf("%+v, %v", w, err)
	}
}

// Delayed and uploading segments are on their way; only lost ones are missing.
func TestWALGVerify(t *testing.T) {
	for text, want := range map[string]int64{
		`{"integrity":{"status":"OK","details":[{"segments_count":9,"status":"FOUND"}]},"timeline":{"status":"OK"}}`:                                                                  0,
		`{"integrity":{"status":"WARNING","details":[{"segments_count":2,"status":"MISSING_DELAYED"},{"segments_count":1,"status":"MISSING_UPLOADING"}]},"timeline":{"status":"OK"}}`: 0,
		`{"integrity":{"status":"FAILURE","details":[{"segments_count":3,"status":"MISSING_LOST"}]},"timeline":{"status":"OK"}}`:                                                      3,
	} {
		v := &verification{say: t.Logf}
		if err := parseWALGVerify([]byte(text), v); err != nil || *v.WALMissing != want || (v.failedChecks() > 0) != (want > 0) {
			t.Errorf("%s: %+v, %v", text, v.Result, err)
		}
	}
}

func TestKopiaListsIncompleteAndFlawedSnapshots(t *testing.T) {
	g := parsed(t, "kopia").only(t, metric.KindSnapshot)
	if g.Retained != 1 || g.Flawed != 1 || g.Newest.ID != "k1" || g.Newest.Size != 1000 || !g.LastFailure.Equal(stamp(t, "2026-09-21T02:01:00Z")) {
		t.Errorf("%+v", g)
	}
}

func TestVeleroPhases(t *testing.T) {
	g := parsed(t, "velero").only(t, metric.KindFull)
	if g.Retained != 1 || g.Flawed != 1 || g.Newest.ID != "nightly-1" || !g.LastFailure.Equal(stamp(t, "2026-09-23T02:00:00Z")) {
		t.Errorf("%+v", g)
	}
}

func TestGeneric(t *testing.T) {
	s := parsed(t, "generic")
	g := s.groups[groupKey{"onsite", metric.KindFull}]
	if g.Retained != 1 || g.Newest.Stored != 50 || g.Newest.Position != 0x91000050 || !g.LastFailure.Equal(stamp(t, "2026-09-22T02:10:00Z")) {
		t.Errorf("%+v", g)
	}
	if w := s.repositories["onsite"].WAL; w.Missing != 2 || !w.NewestAt.Equal(stamp(t, "2026-09-23T02:12:00Z")) || w.Newest != 0xA5000000 {
		t.Errorf("%+v", w)
	}
	if r := s.repositories["offsite"]; r.readable() || r.Problem != "no route" {
		t.Errorf("%+v", r)
	}
	for _, edit := range [][2]string{
		{`"version":1`, `"version":2`}, {`"kind":"full"`, `"kind":"wal"`}, {`"onsite"`, `"on site"`}, {`"status":"ok"`, `"status":"fine"`}, {"2026-09-20T02:10:00Z", "0001-01-01T00:00:00Z"}, {`"state":"unreadable"`, `"state":"gone"`},
	} {
		text := strings.Replace(string(fixture(t, "generic.json")), edit[0], edit[1], 1)
		if err := parseGeneric([]byte(text), newListing(false)); reason(err) != metric.ListingMalformed {
			t.Errorf("%v: %v", edit, err)
		}
	}
}

func supabaseOf(t *testing.T, b supabase.Backups) *listing {
	return listed(t, metric.KindFull, func(to *listing) error { return listSupabase(b, to) })
}

// An empty list and no physical data is no backup, whatever walg_enabled says.
func TestSupabaseEmptyListAndObjectIsNoBackup(t *testing.T) {
	if g := supabaseOf(t, supabase.Backups{WALG: true}).only(t, metric.KindFull); g.Retained != 0 || !g.Newest.Stop.IsZero() {
		t.Errorf("%+v", g)
	}
}

// With point-in-time recovery the list is empty and only the newest point moves.
func TestSupabasePITRMovesTheNewestPointOnly(t *testing.T) {
	at := func(earliest, latest int64) supabase.Backups {
		return supabase.Backups{PITR: true, Earliest: time.Unix(earliest, 0), Latest: time.Unix(latest, 0)}
	}
	first, second := supabaseOf(t, at(1789300000, 1789990000)), supabaseOf(t, at(1789300600, 1789990600))
	if w := second.repositories[defaultRepository].WAL; w == nil || w.NewestAt.Unix() != 1789990600 {
		t.Errorf("%+v", w)
	}
	f := newFacts("supabase")
	f.merge(first, time.Unix(1789990001, 0))
	f.merge(second, time.Unix(1789990601, 0))
	if age, ok := f.Repositories[defaultRepository].removedAge(time.Unix(1789990601, 0)); ok {
		t.Errorf("a point that moved on seems to be deleted at the age of %s", age)
	}
}

func TestSupabaseStatuses(t *testing.T) {
	b := supabase.Backups{}
	for i, status := range []string{supabase.BackupCompleted, supabase.BackupFailed, supabase.BackupPending, supabase.BackupRemoved, supabase.BackupArchived, supabase.BackupCancelled} {
		b.Backups = append(b.Backups, supabase.Backup{ID: int64(i), Status: status, Inserted: time.Unix(1789990000+int64(i), 0)})
	}
	if g := supabaseOf(t, b).only(t, metric.KindFull); g.Retained != 1 || g.LastFailure.Unix() != 1789990005 {
		t.Errorf("%+v", g)
	}
}
