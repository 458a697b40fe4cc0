package procedure

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestReviewed(t *testing.T) {
	day := time.Date(2026, time.November, 3, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"---\nreviewed: 2026-11-03\n---\n# Runbook\n":                       day,
		"---\r\nowner: sre\r\nreviewed: \"2026-11-03\"\r\n---\r\n# Runbook": day,
		"\ufeff---\nreviewed: 2026-11-03\n---":                              day,
		"# Runbook\n---\nreviewed: 2026-11-03\n---\n":                       {},
		"---\nowner: sre\n---\n":                                            {},
		"---\n---\n":                                                        {},
		"":                                                                  {},
	} {
		if got, err := reviewed([]byte(text)); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"---\nreviewed: 2026-11-03\n", "---\nreviewed: soon\n---\n", "---\n[\n---\n"} {
		if got, err := reviewed([]byte(text)); err == nil {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// The runbooks of a directory are reviewed when the last of them is.
func TestRunbooksAndDatesProveRuns(t *testing.T) {
	dir := t.TempDir()
	runbooks := filepath.Join(dir, "runbooks")
	if err := os.Mkdir(runbooks, 0o700); err != nil {
		t.Fatal(err)
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	write := func(name string, days int) {
		text := "# " + name + "\n"
		if days >= 0 {
			text = "---\nreviewed: " + today.AddDate(0, 0, -days).Format(time.DateOnly) + "\n---\n" + text
		}
		testkit.WriteFile(t, filepath.Join(runbooks, name+".md"), text)
	}
	write("Old", 9)
	write("New", 2)
	write("Never", -1)
	testkit.WriteFile(t, filepath.Join(runbooks, "README.txt"), "no runbook")
	testkit.WriteFile(t, filepath.Join(dir, "dates.yaml"), "- {date: "+today.AddDate(0, 0, -4).Format(time.DateOnly)+
		", kind: training, people: [ada]}\n")
	r := startThis(t, New(Options{Logger: testLogger()}), policy(t, "",
		"{name: runbook-review, interval: 31d, page: P4, runbooks: "+runbooks+"}",
		"{name: training, interval: 31d, page: P4, dates: {file: "+dir+"/dates.yaml, kind: training}}"))
	read := func() error {
		return r.readFiles(t.Context(), []*watched{r.watched["runbook-review"], r.watched["training"]})
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	if at := r.record("runbook-review").Success; !at.IsZero() {
		t.Errorf("one was never reviewed, and all were at %s", at)
	}
	if at, want := r.record("training").Success, today.AddDate(0, 0, -3).Add(-time.Second); !at.Equal(want) {
		t.Errorf("training at %s, want %s", at, want)
	}
	got := r.series(t, metric.RunbookReviewed)
	if strings.Count(got, "thorbis_runbook_reviewed_timestamp_seconds{") != 2 || !strings.Contains(got, `runbook="Old"`) {
		t.Error(got)
	}
	r.has(t, metric.RunbooksNeverReviewed, `{procedure="runbook-review"} 1`)
	write("Never", 1)
	if err := read(); err != nil {
		t.Fatal(err)
	}
	if at, want := r.record("runbook-review").Success, today.AddDate(0, 0, -8).Add(-time.Second); !at.Equal(want) {
		t.Errorf("all are reviewed at %s, want %s", at, want)
	}
	write("Old", 0)
	testkit.WriteFile(t, filepath.Join(runbooks, "Broken.md"), "---\nreviewed: soon\n---\n")
	if err := read(); err == nil || !strings.Contains(err.Error(), "Broken.md: the front matter cannot be read") {
		t.Error(err)
	}
}

// Whatever a runbook begins with, reading it ends.
func FuzzReviewed(f *testing.F) {
	f.Add([]byte("---\nreviewed: 2026-11-03\n---\n# Runbook\n"))
	f.Add([]byte("---\n&a [*a]\n---\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if at, err := reviewed(text); err != nil && !at.IsZero() {
			t.Errorf("%s with %v", at, err)
		}
	})
}
