package tenant

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The page shows sources with the form of what they reject, and tenants by how busy and how troubled they are.
func TestSections(t *testing.T) {
	dir := t.TempDir()
	var registry, text strings.Builder
	registry.WriteString("tenants:\n")
	for i := range 15 {
		fmt.Fprintf(&registry, "  - {name: t%02d}\n", i)
		for n := range 100 * (i + 1) {
			status := 200
			if i == 3 && n < 50 || i == 14 && n < 100 {
				status = 500
			}
			took := 0.1
			if i == 7 {
				took = 0.5
			}
			fmt.Fprintf(&text, `{"host":"t%02d.example.com","status":%d,"request_time":%v}`+"\n", i, status, took)
		}
	}
	text.WriteString("Bearer s3cr3t-t0k3n\n")
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), registry.String())
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Immediate: true})
	if s := c.Sections(collectors.SectionRequest{}); s != nil {
		t.Errorf("without a policy: %+v", s)
	}
	if err := collectors.Apply(c, filePolicy(t, dir, "")); err != nil {
		t.Fatal(err)
	}
	sections := func() map[string]collectors.Section {
		all := map[string]collectors.Section{}
		for _, s := range c.Sections(collectors.SectionRequest{Now: time.Now().Add(time.Minute), Limit: 100}) {
			if err := s.Validate(); err != nil || len(s.Uncured()) > 0 {
				t.Errorf("%v, without a cure %v", err, s.Uncured())
			}
			all[s.Key] = s
		}
		return all
	}
	if s := sections(); len(s) != 2 || s["sources"].Rows[0].Cells[2] != collectors.State("nothing yet") {
		t.Errorf("at first %+v", s)
	}
	go func() {
		_ = collectors.Run(t.Context(), c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
	}()
	testkit.Eventually(t, func() bool { return len(sections()) == 3 }, "the counts of tenants are copied")
	testkit.WriteFile(t, filepath.Join(dir, "access.json"), text.String())
	testkit.Eventually(t, func() bool { return c.Lines() == 12_001 }, "all lines counted")

	s := sections()
	source := s["sources"].Rows[0]
	if source.Level != collectors.LevelWarning || source.Cells[5] != uint64(12_001) || source.Cells[6] != uint64(1) ||
		source.Cells[8].(collectors.Explained).Text != collectors.Code("aaaaaa a0aa0a-a0a0a") ||
		source.Cells[7].(collectors.Explained).Detail != "syntax" {
		t.Errorf("the source: %+v", source)
	}
	busiest := s["tenants_busiest"]
	if len(busiest.Rows) != shownTenants || busiest.More != 5 || busiest.Rows[0].Cells[0] != "t14" ||
		busiest.Rows[9].Cells[0] != "t05" || busiest.Rows[7].Cells[7] != collectors.Ratio(1) {
		t.Errorf("the busiest: %+v", busiest)
	}
	troubled := s["tenants_troubled"]
	if len(troubled.Rows) != 3 || troubled.Rows[0].Cells[0] != collectors.State("t07") ||
		troubled.Rows[1].Cells[0] != collectors.State("t14") || troubled.Rows[2].Cells[0] != collectors.State("t03") ||
		troubled.Rows[2].Cells[5] != collectors.Ratio(0.125) || troubled.Rows[2].Level != collectors.LevelWarning {
		t.Errorf("the troubled: %+v", troubled)
	}
}

// What tenants did lately is the difference to a copy: not of one whose older counts were not in it.
func TestActivity(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	key := func(tenant string) tenantKey { return tenantKey{"web", tenant} }
	a := &activity{newest: counted{at: at, counts: map[tenantKey]lately{
		key("same"): {requests: 5}, key("more"): {requests: 5, failed: 1, slow: 2}, key("anew"): {requests: 50},
	}}}
	old := at.Add(-time.Hour).UnixMilli()
	got, since := a.since(counted{at: at.Add(time.Minute), counts: map[tenantKey]lately{
		key("same"):     {requests: 5, created: old},
		key("more"):     {requests: 15, failed: 4, slow: 3, created: old},
		key("anew"):     {requests: 7, created: old},
		key("new"):      {requests: 3, created: at.UnixMilli()},
		key("admitted"): {requests: 9999, created: old},
	}})
	if since != at || len(got) != 3 || got[key("more")] != (lately{requests: 10, failed: 3, slow: 1}) ||
		got[key("anew")].requests != 7 || got[key("new")].requests != 3 {
		t.Errorf("%v since %v", got, since)
	}
}
