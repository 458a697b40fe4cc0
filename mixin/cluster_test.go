package mixin

import (
	"strings"
	"testing"
)

// TestMixinClusterVariable: with a label of clusters, dashboards have a variable of it before the environment. All
// their queries ask for its value, and links keep it.
func TestMixinClusterVariable(t *testing.T) {
	if testing.Short() {
		t.Skip("renders the bundle twice")
	}
	dir := vendored(t, rendered(t, policies(t)["everything"]))
	plain, got := mustEvaluate(t, dir, ""), mustEvaluate(t, dir, "clusterLabel: 'k8s', cluster: 'eu'")
	const matcher = `k8s="$cluster"`
	for name, board := range got.Dashboards {
		templating := board["templating"].(map[string]any)
		list := templating["list"].([]any)
		cluster := list[1].(map[string]any)
		query := cluster["query"].(string)
		if cluster["name"] != "cluster" || cluster["multi"] != false || cluster["includeAll"] != false ||
			strings.Contains(query, matcher) || !strings.HasSuffix(query, ", k8s)") {
			t.Errorf("%s: the variable is %v", name, cluster)
		}
		if current := cluster["current"].(map[string]any); current["value"] != "eu" {
			t.Errorf("%s: the variable begins with %v", name, current)
		}
		templating["list"] = append(list[:1:1], list[2:]...)
	}
	before, links := scalars(plain), 0
	after := scalars(got)
	for path, value := range after {
		switch {
		case strings.HasPrefix(path, "groups."):
			if plain, ok := strings.CutSuffix(value, "?var-cluster=eu"); ok && strings.HasSuffix(path, ".dashboard_url") {
				links++
				value = plain
			}
			if isExpr(path) {
				value = unmatched(t, value, `k8s="eu"`, `k8s="eu"`)
			} else if strings.HasSuffix(path, ".labels.k8s") {
				value = ""
			}
		case isQuery(path):
			value = unmatched(t, value, matcher, matcher)
		case strings.HasSuffix(path, ".url"):
			if strings.Contains(value, "${datasource:queryparam}") != strings.Contains(value, "${cluster:queryparam}") {
				t.Errorf("%s loses the cluster: %s", path, value)
			}
			links++
			value = strings.ReplaceAll(value, "&${cluster:queryparam}", "")
		}
		if value != before[path] {
			t.Errorf("%s: %q\nwas %q", path, value, before[path])
		}
	}
	for path := range before {
		if _, ok := after[path]; !ok {
			t.Errorf("%s is gone", path)
		}
	}
	if links < 100 {
		t.Errorf("%d links", links)
	}
}

// TestMixinRefuses: what cannot be configured is an error with its reason, and not ignored. The objectives can be read.
func TestMixinRefuses(t *testing.T) {
	dir := vendored(t, rendered(t, policies(t)["default"]))
	for name, c := range map[string]struct{ config, want string }{
		"objectives":       {"objectives: {availability: '99%'}", "objectives come from the policy"},
		"one objective":    {"objectives+: {availability: '99%'}", "objectives come from the policy"},
		"the same":         {"objectives+: {availability: '99.99%'}", ""},
		"read":             {"dashboardNamePrefix: super.objectives.availability + ' '", ""},
		"no cluster":       {"clusterLabel: 'k8s'", "_config.cluster is missing"},
		"no cluster label": {"cluster: 'eu'", "_config.clusterLabel is missing: name the label whose value is eu"},
	} {
		m, err := evaluate(t, dir, c.config)
		switch {
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		}
		if name != "read" {
			continue
		}
		if title := m.Dashboards["thorbis-slo.json"]["title"].(string); !strings.HasPrefix(title, "99.99% ") {
			t.Errorf("the title is %q", title)
		}
	}
}
