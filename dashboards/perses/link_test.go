package perses

import (
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// TestLinks: each dashboard has one link to each other one, the overview first, with the time and its variables.
func TestLinks(t *testing.T) {
	all := model(t)
	specs := built(t, all)
	for uid, d := range specs {
		seen := map[string]bool{}
		for _, l := range d.Links {
			path, query, _ := strings.Cut(strings.TrimPrefix(l.URL, "/projects/${__project}/dashboards/"), "?")
			if _, known := specs[path]; !known || path == uid || seen[path] {
				t.Errorf("%s leads to %s", uid, l.URL)
			}
			seen[path] = true
			for _, v := range d.Variables {
				if !strings.Contains(query, "&var-"+v.Spec.Name+"=${"+v.Spec.Name+":percentencode}") {
					t.Errorf("%s: the link to %s lacks $%s", uid, path, v.Spec.Name)
				}
			}
		}
		if len(seen) != len(all)-1 {
			t.Errorf("%s leads to %d of %d", uid, len(seen), len(all)-1)
		}
	}
	if first := specs[metric.SLODashboard].Links[0]; first.Name != "Overview" {
		t.Errorf("the first link is %+v", first)
	}
}

func TestTranslatedRefuses(t *testing.T) {
	for want, url := range map[string]string{
		"unknown address":         "https://example.com",
		"unknown parameter":       "/d/thorbis-slo?${__url_time_range}&kiosk",
		`unknown column "Heart"`:  "/d/thorbis-slo?${__url_time_range}&var-slo=${__data.fields.Heart:percentencode}",
		"unknown parameter var-a": "/d/thorbis-slo?${__url_time_range}&var-a=${__field.labels.a}",
	} {
		if _, err := translated(url, map[string]string{"Service": "app_service"}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}
