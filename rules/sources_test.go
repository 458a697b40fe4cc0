package rules_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// theirs maps the name of a metric of ours and its operation or mode to the name that node_exporter and Supabase use.
var theirs = map[string]string{
	metric.StorageOperations.Name + "/read":       metric.NodeDiskReads,
	metric.StorageOperations.Name + "/write":      metric.NodeDiskWrites,
	metric.StorageBytes.Name + "/read":            metric.NodeDiskReadBytes,
	metric.StorageBytes.Name + "/write":           metric.NodeDiskWrittenBytes,
	metric.StorageSeconds.Name + "/read":          metric.NodeDiskReadSeconds,
	metric.StorageSeconds.Name + "/write":         metric.NodeDiskWriteSeconds,
	metric.StorageFilesystemSize.Name + "/":       metric.NodeFilesystemSize,
	metric.StorageFilesystemAvailable.Name + "/":  metric.NodeFilesystemAvail,
	metric.StorageFilesystemInodes.Name + "/":     metric.NodeFilesystemFiles,
	metric.StorageFilesystemInodesFree.Name + "/": metric.NodeFilesystemFree,
	metric.StorageFilesystemReadOnly.Name + "/":   metric.NodeFilesystemRO,
	metric.HostCPUSeconds.Name + "/idle":          metric.NodeCPU,
	metric.HostCPUSeconds.Name + "/user":          metric.NodeCPU,
	metric.HostMemoryTotal.Name + "/":             metric.NodeMemoryTotal,
	metric.HostMemoryAvailable.Name + "/":         metric.NodeMemoryAvailable,
	metric.HostSwapTotal.Name + "/":               metric.NodeSwapTotal,
	metric.HostSwapFree.Name + "/":                metric.NodeSwapFree,
	metric.HostOOMKills.Name + "/":                metric.NodeOOMKills,
	metric.StorageFilesystemError.Name + "/":      metric.NodeFilesystemError,
}

// asOf converts the labels of a series of ours into those of another source. Two exporters of ours on one machine
// become two scrapes of the other source.
var asOf = map[string]func(ls map[string]string) map[string]string{
	"node_exporter": func(ls map[string]string) map[string]string {
		return map[string]string{"job": "node-" + ls["instance"], "instance": ls["host"] + ":9100"}
	},
	// A node_exporter beside an exporter of ours, scraped by an address that does not identify the machine.
	"mixed": func(ls map[string]string) map[string]string {
		return map[string]string{
			"job": "node-" + ls["instance"], "instance": "10.0.0." + strings.TrimPrefix(ls["host"], "db") + ":9100",
		}
	},
	"supabase": asSupabase,
	// Supabase's endpoint of a project beside an exporter of ours that reports the same machine under the project's
	// name.
	"mixed-supabase": asSupabase,
}

func asSupabase(ls map[string]string) map[string]string {
	return map[string]string{
		"job": "supabase-" + ls["instance"], "instance": ls["host"] + ".supabase.co:443",
		metric.LabelSupabaseProject: ls["host"], "service_type": "db",
	}
}

// recordedAs maps a source to the recorded text that has its series.
var recordedAs = map[string]string{
	"node_exporter": "node_exporter", "mixed": "node_exporter", "supabase": "supabase", "mixed-supabase": "supabase",
}

// promtoolFile is a file of rule tests, as far as it is changed here.
type promtoolFile struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval string         `yaml:"evaluation_interval"`
	Tests              []promtoolTest `yaml:"tests"`
}

type promtoolTest struct {
	Name   string           `yaml:"name"`
	Every  string           `yaml:"interval"`
	Series []promtoolSeries `yaml:"input_series"`
	Expr   yaml.Node        `yaml:"promql_expr_test"`
}

type promtoolSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

// TestSources runs the tests of storage and resources with the series of other sources. These are node_exporter and
// Supabase, alone and beside an exporter of ours on the same machine. The same alerts must fire, equally often.
func TestSources(t *testing.T) {
	ruletest.Simulates(t)
	for _, file := range []string{"storage.yaml", "resources.yaml"} {
		text, err := os.ReadFile(filepath.Join("tests", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range slices.Sorted(maps.Keys(asOf)) {
			t.Run(file+"/"+source, func(t *testing.T) {
				t.Parallel()
				var tests promtoolFile
				if err := yaml.Unmarshal(text, &tests); err != nil {
					t.Fatal(err)
				}
				translated := 0
				// The rules of storage decide which machine a foreign target is.
				if of := "../testdata/storage.rules.yaml"; !slices.Contains(tests.RuleFiles, of) {
					tests.RuleFiles = append(tests.RuleFiles, of)
				}
				for i, rules := range tests.RuleFiles {
					if tests.RuleFiles[i], err = filepath.Abs(filepath.Join("tests", rules)); err != nil {
						t.Fatal(err)
					}
				}
				tests.Tests = slices.DeleteFunc(tests.Tests, func(test promtoolTest) bool {
					// The other sources have no series of ours on stale mounts, containers and processes, nor those of
					// autoscalers.
					return strings.HasSuffix(test.Name, "-stale") || strings.HasSuffix(test.Name, "-container") ||
						strings.HasPrefix(test.Name, metric.LeakAlert.Name) || strings.HasPrefix(test.Name, "ThorbisScaling")
				})
				for i := range tests.Tests {
					translated += tests.Tests[i].translate(t, source)
				}
				if translated == 0 {
					t.Fatal("no series is translated")
				}
				out, err := yaml.Marshal(tests)
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), file)
				testkit.WriteFile(t, path, out)
				ruletest.RunTool(t, "promtool", "test", "rules", path)
			})
		}
	}
}

// translate replaces series of ours by those of another source, or adds these, and returns their number.
func (test *promtoolTest) translate(t *testing.T, source string) int {
	t.Helper()
	recordedSource, mixed := recordedAs[source], strings.HasPrefix(source, "mixed")
	known := recorded(t, recordedSource)
	var series []promtoolSeries
	targets := map[string]map[string]string{} // by our labels
	count := 0
	for _, s := range test.Series {
		ls, err := parser.NewParser(parser.Options{}).ParseMetric(s.Series)
		if err != nil {
			t.Fatal(err)
		}
		name := theirs[ls.Get(model.MetricNameLabel)+"/"+ls.Get(metric.LabelOperation)+ls.Get(metric.LabelMode)]
		if name == "" || mixed {
			series = append(series, s)
		}
		if name == "" {
			continue
		}
		count++
		target := asOf[source](ls.Map())
		targets[target["job"]+target["instance"]] = map[string]string{"host": ls.Get("host"), "instance": ls.Get("instance")}
		theirs := maps.Clone(target)
		theirs[model.MetricNameLabel] = name
		for _, l := range []string{metric.LabelDevice, metric.LabelMountpoint, metric.LabelFSType} {
			if v := ls.Get(l); v != "" {
				theirs[l] = v
			}
		}
		if name == metric.NodeCPU {
			theirs["cpu"], theirs[metric.LabelMode] = "0", ls.Get(metric.LabelMode)
		}
		if strings.HasPrefix(name, "node_filesystem") {
			theirs[metric.LabelDevice] = "/dev/" + theirs[metric.LabelDevice]
		}
		for l := range theirs {
			if l != "job" && l != "instance" && l != model.MetricNameLabel && !known[name][l] {
				t.Errorf("%s has no label %s in the recorded text of %s", name, l, recordedSource)
			}
		}
		if known[name] == nil {
			t.Errorf("no %s in the recorded text of %s", name, recordedSource)
		}
		series = append(series, promtoolSeries{labels.FromMap(theirs).String(), s.Values})
	}
	for _, of := range targets {
		target := asOf[source](of)
		add := func(name string, more ...string) {
			ls := maps.Clone(target)
			ls[model.MetricNameLabel] = name
			for i := 0; i < len(more); i += 2 {
				ls[more[i]] = more[i+1]
			}
			series = append(series, promtoolSeries{labels.FromMap(ls).String(), "1x2000"})
		}
		add(metric.NodeLoad1)
		if source == "mixed" {
			add(metric.NodeUname, "nodename", of["host"])
		}
		if mixed {
			series = append(series, promtoolSeries{
				fmt.Sprintf(`%s{job="thorbis",instance=%q,environment="production",host=%q}`, metric.StorageObserved.Name,
					of["instance"], of["host"]), "1x2000",
			})
		}
	}
	test.Series = series
	return count
}

// recorded are the names in a recorded text, with the labels that each has.
func recorded(t *testing.T, source string) map[string]map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "sources", source+".prom"))
	if err != nil {
		t.Fatal(err)
	}
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]map[string]bool{}
	for name, f := range families {
		known[name] = map[string]bool{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				known[name][l.GetName()] = true
			}
		}
	}
	return known
}
