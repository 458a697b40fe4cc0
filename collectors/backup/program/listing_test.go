package program

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// parsers are those of programs that print one listing, by the name of the recorded one.
var parsers = map[string]struct {
	kind  string
	parse func(text []byte, to *Listing) error
}{
	"restic": {metric.KindSnapshot, func(text []byte, to *Listing) error {
		return parseRestic(text, "tenant={tenant}",
			to)
	}},
	"barman": {metric.KindFull, func(text []byte, to *Listing) error { return parseBarman(text, "main", to) }},
	"borg": {metric.KindSnapshot, func(text []byte, to *Listing) error {
		return parseBorg(text, &config.BackupSource{Scope: "db-", TimeZone: "Europe/Berlin"}, true, to)
	}},
	"walg": {metric.KindFull, parseWALG},
	"kopia": {metric.KindSnapshot, func(text []byte, to *Listing) error {
		return parseKopia(text,
			&config.BackupSource{Scope: "/srv"}, to)
	}},
	"velero": {metric.KindFull, func(text []byte, to *Listing) error {
		return parseVelero(text, &config.BackupSource{Scope: "nightly"}, to)
	}},
	"generic": {metric.KindFull, parseGeneric},
	"pgbackrest": {metric.KindFull, func(text []byte, to *Listing) error {
		_, err := parsePgBackRest(text, "main", to)
		return err
	}},
}

func parsed(t *testing.T, program string) *Listing {
	t.Helper()
	return listed(t, parsers[program].kind, func(to *Listing) error {
		return parsers[program].parse(backuptest.Recorded(t,
			program+".json"), to)
	})
}

// listed finishes what a parser was given, as a listing does.
func listed(t *testing.T, kind string, parse func(to *Listing) error) *Listing {
	t.Helper()
	to := NewListing(false)
	if err := parse(to); err != nil {
		t.Fatal(err)
	}
	to.Finish(kind)
	return to
}

func (s *Listing) only(t *testing.T, kind string) *Group {
	t.Helper()
	g := s.Groups[GroupKey{DefaultRepository, kind}]
	if g == nil {
		t.Fatalf("no group of %s in %v", kind, s.Groups)
	}
	return g
}

// fuzzListing fuzzes the parser of a program, beginning with its recorded listing.
func fuzzListing(f *testing.F, program string, more ...string) {
	f.Add(backuptest.Recorded(f, program+".json"))
	for _, text := range more {
		f.Add([]byte(text))
	}
	p := parsers[program]
	f.Fuzz(func(_ *testing.T, text []byte) {
		to := NewListing(true)
		if p.parse(text, to) == nil {
			to.Finish(p.kind)
		}
	})
}

func stamp(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func listReal(t *testing.T, b *config.Backup) *Listing {
	t.Helper()
	q, err := NewQuery(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := q.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listError is what a listing fails with; nothing of it may be believed.
func listError(t *testing.T, b *config.Backup) error {
	t.Helper()
	q, err := NewQuery(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := q.List(t.Context(), nil)
	if err == nil {
		t.Fatalf("it is listed: %+v", s.Groups)
	}
	return err
}

// Half a document, a document of another kind and one more document are refused, whatever the program.
func TestHalfADocumentIsRefused(t *testing.T) {
	for program, p := range parsers {
		whole := string(backuptest.Recorded(t, program+".json"))
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
			if err := p.parse([]byte(text), NewListing(false)); Reason(err) != metric.ListingMalformed ||
				!strings.Contains(err.Error(), want) {
				t.Errorf("%s: %.60q: %v, want %s", program, text, err, want)
			}
		}
		if err := p.parse([]byte("\ufeff"+whole), NewListing(false)); err != nil {
			t.Errorf("%s: behind a byte order mark: %v", program, err)
		}
	}
}

func TestEmptyListIsNoBackup(t *testing.T) {
	for program, text := range map[string]string{
		"restic": `[]`, "barman": `{"main":[]}`, "borg": `{"archives":[]}`, "walg": `[]`, "kopia": `[]`,
		"velero": `{"items":[]}`, "generic": `{"version":1}`,
	} {
		s := listed(t, parsers[program].kind, func(to *Listing) error { return parsers[program].parse([]byte(text), to) })
		if g := s.only(t, parsers[program].kind); g.Retained != 0 ||
			s.Repositories[DefaultRepository].State != metric.RepositoryEmpty {
			t.Errorf("%s: %+v", program, g)
		}
	}
	// A document without a list is not an empty one.
	for program, text := range map[string]string{
		"barman": `{"main":null}`, "borg": `{"repository":{}}`, "velero": `{}`, "generic": `{}`,
		"pgbackrest": `[{"name":"main","status":{"code":0,"message":"ok"},"repo":[{"key":1,"status":{"code":0}}]}]`,
	} {
		if err := parsers[program].parse([]byte(text), NewListing(false)); Reason(err) != metric.ListingMalformed {
			t.Errorf("%s: %s: %v", program, text, err)
		}
	}
	if err := parsers["restic"].parse([]byte("null"), NewListing(false)); err != nil {
		t.Error("restic of some versions prints null for an empty repository:", err)
	}
}

// Incremental backups whose full one is gone restore nothing: that there is none is said.
func TestIncrementalsWithoutAFull(t *testing.T) {
	for kind, want := range map[string]bool{
		metric.KindIncremental: true, metric.KindDifferential: true,
		metric.KindFull: false, metric.KindSnapshot: false,
	} {
		s := NewListing(false)
		i := NewItem()
		i.ID, i.Kind, i.Stop = "a", kind, backuptest.Noon
		if err := s.Add(i); err != nil {
			t.Fatal(err)
		}
		s.Finish(metric.KindFull)
		g := s.Groups[GroupKey{DefaultRepository, metric.KindFull}]
		if got := g != nil && g.Newest.Stop.IsZero() && g.Retained == 0; got != want {
			t.Errorf("%s: an empty group of fulls: %v, want %v", kind, got, want)
		}
	}
}

func TestEarlierSizeIsTheMedianOfThoseBefore(t *testing.T) {
	s := NewListing(false)
	for i, size := range []int64{10, 100, 101, 102, 99, 5} { // the newest last
		it := NewItem()
		it.ID, it.Kind, it.Stop, it.Size = fmt.Sprint(i), metric.KindSnapshot, time.Unix(1_700_000_000+int64(i), 0), size
		if err := s.Add(it); err != nil {
			t.Fatal(err)
		}
	}
	s.Finish(metric.KindSnapshot)
	g := s.Groups[GroupKey{DefaultRepository, metric.KindSnapshot}]
	if g.Earlier != 100 || g.Newest.Size != 5 || g.Retained != 6 {
		t.Errorf("%+v", g)
	}
}
