package dashboards

import (
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/metric"
)

// rowsOf returns the rows of a dashboard of the embedded default.
func rowsOf(t *testing.T, uid string) []Row {
	t.Helper()
	p := policytest.Default(t)
	built, err := Model(p)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(built, func(d dashboard.Dashboard) bool { return *d.Uid == uid })
	rows, err := Rows(built[i])
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestRowsKeepPanels: every panel is in one row, in the order of the dashboard, and below the row's heading.
func TestRowsKeepPanels(t *testing.T) {
	p := policytest.Default(t)
	built, err := Model(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range built {
		rows, err := Rows(d)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []uint32
		for _, p := range d.Panels {
			if p.Panel != nil {
				want = append(want, *p.Panel.Id)
			}
		}
		for _, row := range rows {
			for _, p := range row.Panels {
				got = append(got, *p.Id)
				if p.GridPos.Y < row.Top {
					t.Errorf("%s: %q is above the heading of its row %q", *d.Uid, *p.Title, row.Title)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: panels %v, want %v", *d.Uid, got, want)
		}
	}
}

// TestRowsThatMayVanish: the first row stays, and so does one that reads another program's series.
func TestRowsThatMayVanish(t *testing.T) {
	backup := rowsOf(t, metric.BackupDashboard)
	if len(backup[0].Measured) > 0 {
		t.Errorf("the first row may vanish without %v", backup[0].Measured)
	}
	if !slices.Contains(backup[1].Measured, metric.BackupLastSize.Name) || !slices.IsSorted(backup[1].Measured) {
		t.Errorf("the row %q is measured by %v", backup[1].Title, backup[1].Measured)
	}
	for _, row := range rowsOf(t, metric.ExporterDashboard) {
		if strings.HasPrefix(row.Title, "Rules and") && len(row.Measured) > 0 {
			t.Errorf("the row %q of Prometheus' own series may vanish", row.Title)
		}
	}
}

func TestRowsRefuse(t *testing.T) {
	for name, expr := range map[string]string{"an expression": "sum(", "another program": "up"} {
		b := dashboard.NewDashboardBuilder("a")
		row(b, "First")
		row(b, "Second", number(words{title: "a", unit: units.Short}, 4, expr, "", steps(green)))
		d, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		rows, err := Rows(d)
		if name == "an expression" && (err == nil || !strings.Contains(err.Error(), `row "Second": panel "a"`)) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "another program" && (err != nil || len(rows) != 2 || rows[1].Measured != nil) {
			t.Errorf("%s: %v, %+v", name, err, rows)
		}
	}
}
