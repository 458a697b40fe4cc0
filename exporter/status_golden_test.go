package exporter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// someStatus has every kind of cell, in every level.
func someStatus() status {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	return status{
		Now: now, Started: ago(26 * time.Hour), Environment: "production", Location: "fra",
		Version: "(version=1.2.3, branch=main, revision=" + strings.Repeat("0123456789", 6) + ")",
		Files:   []string{"/etc/thorbis/thorbis.yaml"}, Hash: "abc",
		Warnings: []string{"thorbis.yaml:7: health: no reference_targets"},
		Reload:   reloadStatus{Loaded: ago(time.Hour)}, Saving: health.SavingStatus{LastSaved: ago(time.Second)},
		StoragePath: "/var/lib/thorbis",
		Sections: []collectors.Section{
			{
				Key: "outages", Title: "Open outages", None: "None.",
				Columns: []collectors.Column{
					{Key: "check", Title: "Check"},
					{Key: "down_for_seconds", Title: "Down for"},
					{Key: "since", Title: "Since"},
					{Key: "reason", Title: "Reason"},
					{Key: "target", Title: "Target"},
				},
				Rows: []collectors.Row{
					{Level: collectors.LevelBad, Cure: "Look at the log of the service.", Cells: []any{
						collectors.State("home"), 90 * time.Second, ago(90 * time.Second),
						collectors.Explained{Text: "status", Detail: "a status that the module does not accept"},
						collectors.Code("https://thorbis.com/" + strings.Repeat("long/", 40)),
					}},
					{Level: collectors.LevelBad, Cure: "Look at the log of the service.", Cells: []any{
						collectors.State("api"), 50 * time.Hour, ago(50 * time.Hour), "timeout", collectors.Code("tcp://db:5432"),
					}},
				},
				More: 312,
			},
			{
				Key: "things", Title: "Things", Note: "A sentence about all of them.",
				Columns: []collectors.Column{
					{Key: "thing", Title: "Thing"},
					{Key: "size_bytes", Title: "Size"},
					{Key: "used_ratio", Title: "Used"},
					{Key: "count", Title: "Count"},
					{Key: "rate", Title: "Rate"},
					{Key: "yes", Title: "Yes"},
					{Key: "seen", Title: "Seen"},
					{Key: "took_seconds", Title: "Took"},
				},
				Rows: []collectors.Row{
					{Level: collectors.LevelWarning, Cells: []any{
						"a", collectors.Bytes(1536), collectors.Ratio(0.12345), 1234567, 12.34, true, ago(-time.Minute),
						1500 * time.Microsecond,
					}},
					{Level: collectors.LevelUnknown, Cells: []any{
						"b", collectors.Bytes(5 << 40), collectors.Ratio(1), uint64(7), 1e6, false, time.Time{}, time.Duration(0),
					}},
					{Level: collectors.LevelOK, Cells: []any{
						strings.Repeat("c", 300),
						collectors.Explained{Text: time.Time{}, Detail: strings.Repeat("/detail", 20)},
						nil, nil, nil, nil, nil, nil,
					}},
				},
			},
			{Key: "empty", Title: "Empty", None: "None."},
			{Key: "hidden", Title: "Hidden"},
		},
	}
}

// The page and its JSON form are as testdata has them.
func TestGoldenStatus(t *testing.T) {
	page, err := someStatus().page()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(someStatus().answer(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"status.html": page, "status.json": append(text, '\n')} {
		file := filepath.Join("testdata", name)
		if *update {
			testkit.WriteFile(t, file, got)
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s differs; after a look, go test ./exporter -run Golden -update\n%s", file, got)
		}
	}
}

func TestNumbersForAPerson(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1500 * time.Microsecond: "2ms", 1500 * time.Millisecond: "1.5s", 59 * time.Second: "59s",
		90 * time.Second: "1m 30s", time.Hour: "1h", 26*time.Hour + 5*time.Minute: "1d 2h", 400 * 24 * time.Hour: "400d",
		-90 * time.Second: "-1m 30s", 59*time.Second + 999*time.Millisecond: "59.9s",
	} {
		if got := lasting(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1,023 B", 1536: "1.50 KiB", 100 << 30: "100 GiB", -2048: "-2 KiB",
	} {
		if got := size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 0.05: "0.05", 12.34: "12.3", 1234567.8: "1,234,568", -5: "-5"} {
		if got := decimal(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{
		0: "0 %", 1: "100 %", 0.12345: "12.3 %", 0.0999: "9.99 %", 0.0001: "0.01 %", 0.1: "10 %",
	} {
		if got := percent(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}
