package backtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// TestReport compares the whole report, and docs/slo.md shows the same.
func TestReport(t *testing.T) {
	p, _ := load(t, policy)
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 1, hour, minute, 0, 0, time.UTC) }
	of := func(alert, priority string) labels.Labels {
		return labels.FromStrings("alertname", alert, "priority", priority, "environment", "shop", "app_service", "shop",
			"owner", "sre")
	}
	r := Report{
		From: at(0, 0), To: at(24, 0), Series: 2, Rules: 118, Samples: 11520,
		Silent: []string{"ThorbisCheckDown", "ThorbisServiceUnwatched"},
		Episodes: []Episode{
			{Labels: of("ThorbisSLOBurn", "P1"), From: at(3, 2), To: at(3, 19)},
			{Labels: of("ThorbisSLOBurn", "P1"), From: at(9, 0), To: at(9, 8)},
			{Labels: of("ThorbisTrafficVanished", "P1"), From: at(9, 5), To: at(9, 30)},
			{Labels: of("ThorbisSLOBurn", "P3"), From: at(15, 0), To: at(16, 30)},
		},
	}
	const want = `2026-03-01T00:00:00Z to 2026-03-02T00:00:00Z (1d): 11520 samples of 2 selectors through 118 rules

PRIORITY  ALERT                   FIRED  IN ALL  LONGEST
P1        ThorbisSLOBurn          2      25m     17m
P1        ThorbisTrafficVanished  1      25m     25m
P3        ThorbisSLOBurn          1      1h30m   1h30m

PRIORITY  NOTIFICATIONS  TO
P1        2              pager, chat (what sre owns)
P3        1              pager (what sre owns), chat (what sre owns)

2 alerts of the policy are not judged, for the server holds nothing that they read
`
	var out bytes.Buffer
	r.Write(&out, p, false)
	if got := out.String(); got != want {
		t.Errorf("report:\n%s\nwant:\n%s", got, want)
	}
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "slo.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.ReplaceAll("    "+strings.ReplaceAll(strings.TrimSpace(want), "\n", "\n    "), "\n    \n", "\n\n") +
		"\n"
	if !strings.Contains(string(docs), shown) {
		t.Errorf("docs/slo.md does not show\n%s", shown)
	}
}
