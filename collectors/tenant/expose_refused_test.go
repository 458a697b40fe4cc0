package tenant

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// refusedSeries are the series of what was refused, as code or nothing, tenant or nothing, and value.
func (p *probing) refusedSeries() string {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(p.c)
	families, err := registry.Gather()
	if err != nil {
		p.Fatal(err)
	}
	text := ""
	for _, m := range []*metric.Metric{
		metric.ServiceRefusedRequests, metric.ServiceFailedLogins, metric.TenantRefusedRequests, metric.TenantFailedLogins,
	} {
		for _, family := range families {
			if family.GetName() != m.Name {
				continue
			}
			for _, series := range family.GetMetric() {
				labels := ""
				for _, l := range series.GetLabel() {
					if l.GetName() != metric.LabelAppService {
						labels += l.GetValue() + " "
					}
				}
				text += fmt.Sprintf("%s%v, ", labels, series.GetCounter().GetValue()+series.GetGauge().GetValue())
			}
		}
	}
	return text
}

// TestRefusedRequestsAreExposed holds that what can be refused is there at 0 from the first scrape on, and that a
// reload which says where users log in counts from then on.
func TestRefusedRequestsAreExposed(t *testing.T) {
	p := newProbing(t, "")
	p.log(`"uri":"/login"`)
	if got, want := p.refusedSeries(), "401 0, 403 0, 429 0, 0, "; got != want {
		t.Errorf("nothing is refused: %s, want %s", got, want)
	}
	p.log(`"uri":"/login","status":401`)
	p.log(`"uri":"/orders","status":429,"host":"scan.example.org"`)
	want := "401 1, 403 0, 429 1, 0, 401 _unknown 0, 401 acme 1, 403 _unknown 0, 403 acme 0, 429 _unknown 1, 429 acme 0, "
	if got := p.refusedSeries(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	policy := filePolicy(t, p.dir, "")
	policy.Tenants.Sources[0].LoginPaths = []string{"/login"}
	if err := collectors.Apply(p.c, policy); err != nil {
		t.Fatal(err)
	}
	refused := 1
	testkit.Eventually(t, func() bool { // what is read before the reload has reached the log counts by the former policy
		p.log(`"uri":"/login?next=/","status":401`)
		refused++
		return strings.HasSuffix(p.refusedSeries(), ", acme 1, ")
	}, "a log-in that failed")
	p.log(`"uri":"/login","status":302`)
	want = fmt.Sprintf("401 %d, 403 0, 429 1, 1, 401 _unknown 0, 401 acme %[1]d, 403 _unknown 0, 403 acme 0, "+
		"429 _unknown 1, 429 acme 0, acme 1, ", refused)
	if got := p.refusedSeries(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
