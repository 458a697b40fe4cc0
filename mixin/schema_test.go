package mixin

import (
	"bytes"
	"path"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
)

// TestDashboardSchema: another schema changes the files in dashboards/ and nothing else.
func TestDashboardSchema(t *testing.T) {
	p := policytest.Default(t)
	classic, err := Render(p)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := Options{DashboardSchema: SchemaV2}.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(classic) != len(resources) {
		t.Errorf("%d files, want %d", len(resources), len(classic))
	}
	changed := 0
	for name, text := range classic {
		same := bytes.Equal(text, resources[name])
		if path.Dir(name) == "dashboards" {
			changed++
			if !strings.Contains(string(resources[name]), `"apiVersion": "dashboard.grafana.app/v2"`) {
				t.Errorf("%s is not a resource", name)
			}
		} else if !same {
			t.Errorf("%s changed", name)
		}
	}
	if changed == 0 {
		t.Error("no dashboard")
	}
	if err := resources.Validate(); err != nil {
		t.Error(err)
	}
}
