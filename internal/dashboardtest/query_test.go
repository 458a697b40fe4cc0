package dashboardtest

import (
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

func TestQueries(t *testing.T) {
	const text = `{"uid":"d","time":{"from":"now-6h"},"panels":[
		{"title":"A","targets":[{"refId":"A","expr":"up","instant":true},{"refId":"B","expr":"down{tenant=\"$tenant\"}"}]},
		{"type":"row","panels":[{"title":"closed","targets":[
			{"refId":"A","expr":"rate(x{a=~\"$a\"}[$__rate_interval])"}]}]}]}`
	got, err := Queries([]byte(text))
	want := []Query{
		{"d", "now-6h", "A", "A", "up", true},
		{"d", "now-6h", "A", "B", `down{tenant="$tenant"}`, false},
		{"d", "now-6h", "closed", "A", `rate(x{a=~"$a"}[$__rate_interval])`, false},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %+v, want %+v", err, got, want)
	}
	if filled := Fill(want[2].Expr); filled != `rate(x{a=~".*"}[1m])` {
		t.Errorf("filled in: %s", filled)
	}
	if filled := Fill(want[1].Expr); filled != `down{tenant="acme"}` {
		t.Errorf("filled in: %s", filled)
	}
	if filled := Fill(`label_replace(x, "a", "$1", "b", "(.*)")`); filled != `label_replace(x, "a", "$1", "b", "(.*)")` {
		t.Errorf("what label_replace refers to is filled in: %s", filled)
	}
	if _, err := Queries([]byte(`{`)); err == nil {
		t.Error("half a dashboard is read without an error")
	}
}

// TestSets holds that series of a tenant agree: the same service, and a tier.
func TestSets(t *testing.T) {
	for _, set := range Sets(metric.TenantInfo) {
		if set[metric.LabelTenant] == "" || set[metric.LabelTier] == "" {
			t.Errorf("%s has %v", metric.TenantInfo.Name, set)
		}
	}
	if got := len(Sets(metric.TenantRequests)); got != 6 {
		t.Errorf("%d series of two tenants, want one for each class", got)
	}
}
