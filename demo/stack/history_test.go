package stack

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
)

func number(r config.Ratio) float64 {
	n, _ := r.Rat().Float64()
	return n
}

// TestHistoryIsThatOfThePolicy: rules continue the records only if names and objectives agree.
func TestHistoryIsThatOfThePolicy(t *testing.T) {
	s := &Stack{
		Addresses: DefaultAddresses(), Dir: t.TempDir(), options: Options{
			Traffic: 40, Tenants: 40, Interval: 30 * time.Second, Secondary: time.Minute, Manager: time.Hour,
		},
	}
	text, err := s.policy()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"thorbis.yaml": text, "tenants.yaml": registry(tenants(40)),
		"blackbox.yml": "modules: {http_demo_tls: {prober: http}}\n",
	} {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	policy, err := config.Load(filepath.Join(s.Dir, "thorbis.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	past := s.past()
	service := policy.Services[0]
	if past.Environment != policy.Environment || past.Service != service.Name || past.Peak != service.PeakCapacity {
		t.Errorf("%s/%s with a peak of %v is not %s and %+v", past.Environment, past.Service, past.Peak,
			policy.Environment, service)
	}
	latency := policy.Objectives.Latency[0]
	if past.LatencySLO != "latency-"+latency.Threshold.String() || past.Latency != number(latency.Ratio) ||
		past.Availability != number(policy.Objectives.Availability) {
		t.Errorf("availability %v and %v of %s are not the objectives %+v", past.Availability, past.Latency,
			past.LatencySLO, policy.Objectives)
	}
	var checks []string
	for _, c := range policy.Health.Checks {
		if c.PerTenant == nil {
			checks = append(checks, c.Name)
		} else if c.Name != past.TenantCheck {
			t.Errorf("tenants have the check %s, not %s", c.Name, past.TenantCheck)
		}
	}
	if !slices.Equal(checks, past.Checks) {
		t.Errorf("the service has the checks %v, not %v", checks, past.Checks)
	}
	sum := 0.0
	for _, tenant := range past.Tenants {
		if _, ok := policy.Tiers[tenant.Tier]; !ok {
			t.Errorf("the policy does not have the tier %s", tenant.Tier)
		}
		sum += tenant.Share
	}
	if sum < .999 || sum > 1.001 {
		t.Errorf("tenants make %.3f of the requests", sum)
	}
}
