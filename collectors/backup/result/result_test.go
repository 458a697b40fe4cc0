package result

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestResultFileRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rows := int64(7)
	r := Result{
		Backup: "main", Test: metric.TestRestore, Started: time.Unix(1, 0).UTC(), Finished: time.Unix(9, 0).UTC(),
		RestoreSeconds: 3, Rows: &rows, Success: true,
	}
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Read(t.Context(), File(dir, "main", metric.TestRestore), "main", metric.TestRestore)
	if err != nil || *got.Rows != 7 || got.Duration() != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestResultThatCannotBeIsRefused(t *testing.T) {
	good := `{"version":1,"backup":"main","test":"verify","started":"2026-01-01T00:00:00Z",` +
		`"finished":"2026-01-01T00:01:00Z","success":true}`
	if _, err := parse([]byte(good), "main", "verify"); err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{
		{`"version":1`, `"version":2`},
		{`"main"`, `"other"`},
		{`"verify"`, `"restore"`},
		{`"success":true`, `"success":true,"checks":[{"name":"a","success":false}]`},
		{`}`, ``},
		{`"success":true`, `"success":true,"restore_seconds":-1`},
	} {
		if _, err := parse([]byte(strings.Replace(good, edit[0], edit[1], 1)), "main", "verify"); err == nil {
			t.Errorf("%v is accepted", edit)
		}
	}
}

func FuzzResult(f *testing.F) {
	f.Add([]byte(
		`{"version":1,"backup":"main","test":"verify","started":"2026-01-01T00:00:00Z","finished":"2026-01-01T00:01:00Z",` +
			`"success":true,"checks":[{"name":"a","success":true}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := parse(text, "main", "verify"); err == nil && r.Duration() < 0 {
			t.Error("a negative duration")
		}
	})
}

// A result holds no secret that the program under test printed, and is readable by the exporter's group only.
func TestResultIsMaskedAndPrivate(t *testing.T) {
	secret.Know("printed by the program")
	dir := t.TempDir()
	r := &Result{
		Backup: "main", Test: "verify", Started: time.Unix(1, 0), Finished: time.Unix(2, 0),
		Checks: []Check{{Name: "a", Detail: "echo printed by the program"}},
	}
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(File(dir, "main", "verify"))
	if err != nil || strings.Contains(string(text), "printed by") || !strings.Contains(string(text), "echo ") {
		t.Errorf("%s, %v", text, err)
	}
	if again, err := Read(t.Context(), File(dir, "main", "verify"), "main", "verify"); err != nil ||
		again.Checks[0].Detail != "echo <secret>" {
		t.Errorf("%+v, %v", again, err)
	}
	info, err := os.Stat(File(dir, "main", "verify"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
