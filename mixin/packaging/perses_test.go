package packaging_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/dashboards"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// persesProgram checks resources with the Go types of Perses and returns what it prints.
func persesProgram(t *testing.T, files ...string) ([]byte, error) {
	t.Helper()
	var out, stderr bytes.Buffer
	command := exec.Command(testkit.Tool(t, "../..", "perses"), append([]string{"validate"}, files...)...)
	command.Stdout, command.Stderr = &out, &stderr
	err := command.Run()
	if err != nil {
		return stderr.Bytes(), err
	}
	return out.Bytes(), nil
}

// shippedModel returns the titles of the dashboards of the shipped policy, and the number of their panels by Grafana's
// kind.
func shippedModel(t *testing.T) ([]string, map[string]int) {
	t.Helper()
	p, err := config.Load(shippedPolicy)
	if err != nil {
		t.Fatal(err)
	}
	model, err := dashboards.Model(p)
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	kinds := map[string]int{}
	for _, d := range model {
		titles = append(titles, *d.Title)
		kinds["variable"] += len(d.Templating.List)
		for _, p := range d.Panels {
			if p.Panel != nil {
				kinds[p.Panel.Type]++
				kinds["query"] += len(p.Panel.Targets)
			}
		}
	}
	return titles, kinds
}

// TestPerses: the types of Perses accept every resource, and count as many panels, queries and variables as there are.
func TestPerses(t *testing.T) {
	_, dir := packed(t, "perses")
	titles, want := shippedModel(t)
	text, err := persesProgram(t, append(all(t, dir, "dashboards", "*.json"), filepath.Join(dir, "project.json"))...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got := map[string]int{}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got["Dashboard"] != len(titles) || got["Project"] != 1 {
		t.Errorf("%v resources, want %d dashboards of a project", got, len(titles))
	}
	for name, pair := range map[string][2]int{
		"queries":   {got["PrometheusTimeSeriesQuery"], want["query"]},
		"variables": {got["DatasourceVariable"] + got["PrometheusLabelValuesVariable"], want["variable"]},
		"graphs":    {got["TimeSeriesChart"], want["timeseries"]},
		"histories": {got["StatusHistoryChart"], want["state-timeline"]},
		"figures":   {got["StatChart"] + got["Table"], want["stat"] + want["table"]},
	} {
		if pair[0] != pair[1] || pair[0] == 0 {
			t.Errorf("%d %s, want %d", pair[0], name, pair[1])
		}
	}
}

// TestPersesRefusesFaults: the types find what Perses would refuse or ignore.
func TestPersesRefusesFaults(t *testing.T) {
	files, _ := packed(t, "perses")
	text := string(files["perses/dashboards/thorbis-slo.json"])
	for want, change := range map[string][2]string{
		"unknown field spec.panel":           {`"panels": {`, `"panel": {}, "panels": {`},
		"reference":                          {`"#/spec/panels/panel-2"`, `"#/panels/panel-2"`},
		"no panel found":                     {`"#/spec/panels/panel-2"`, `"#/spec/panels/panel-999"`},
		"unknown plugin":                     {`"kind": "TimeSeriesChart"`, `"kind": "TimeChart"`},
		"unknown field yAxis.unit":           {`"yAxis": {`, `"yAxis": {"unit": "s", `},
		"unknown format":                     {`"unit": "percent-decimal"`, `"unit": "percentunit"`},
		"invalid colour":                     {`"#f2495c"`, `"red"`},
		"no variable $source":                {`"datasource": "$datasource"`, `"datasource": "$source"`},
		"not a correct name":                 {`"name": "thorbis-slo"`, `"name": "Thorbis / SLOs"`},
		"missing query":                      {`"query": "`, `"query": "", "seriesNameFormat": "`},
		"unknown field columnSettings[0].to": {`"columnSettings": [`, `"columnSettings": [{"name": "x", "to": "y"},`},
	} {
		changed := strings.Replace(text, change[0], change[1], 1)
		if changed == text {
			t.Errorf("%s: nothing to change", want)
			continue
		}
		file := filepath.Join(t.TempDir(), "dashboard.json")
		testkit.WriteFile(t, file, changed)
		if out, err := persesProgram(t, file); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, want %q\n%.300s", err, want, out)
		}
	}
}

// TestPersesOperator: the objects of the operator have the dashboards that the resources have.
func TestPersesOperator(t *testing.T) {
	files, dir := packed(t, "perses")
	_, boards := count(t)
	expectKinds(t, validated(t, filepath.Join(dir, "operator/perses-dashboards.yaml")),
		map[string]int{"PersesDashboard": boards})
	whole := string(files["perses/operator/perses-dashboards.yaml"])
	for name, text := range files {
		if filepath.Dir(name) != "perses/dashboards" {
			continue
		}
		var resource struct{ Spec map[string]any }
		if err := json.Unmarshal(text, &resource); err != nil {
			t.Fatal(err)
		}
		for key := range maps.Keys(resource.Spec) {
			if !strings.Contains(whole, "\n      \""+key+"\": ") {
				t.Errorf("the objects lack %s", key)
			}
		}
	}
}

// TestPersesDifferences: the list names what is lost, and each dashboard has its marks in it.
func TestPersesDifferences(t *testing.T) {
	files, _ := packed(t, "perses")
	titles, _ := shippedModel(t)
	page := string(files["perses/differences.md"])
	for _, title := range titles {
		if !strings.Contains(page, "| "+title+" |  | annotations: outages, many tenants down,") {
			t.Errorf("%s is not in the list", title)
		}
	}
	if !strings.Contains(page, "colours of the series 1xx, 2xx, 3xx, 4xx, 5xx") {
		t.Error("the colours of series that are lost are not in the list")
	}
}
