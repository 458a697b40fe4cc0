package security

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Secrets are shown without any scan, by name and day; the section lists what has ended first.
func TestSecrets(t *testing.T) {
	r := start(t, t.TempDir(), nil, `security:
  secrets:
    - {name: signing-key, expires: 2027-03-01, app_service: web}
    - {name: token, expires: 2027-01-31, owner: ops, page: P3, warn_before: 14d}
`)
	const want = `
# HELP thorbis_security_secret_expected_urgent_seconds Time before its end by which it is urgent to replace the secret.
# TYPE thorbis_security_secret_expected_urgent_seconds gauge
thorbis_security_secret_expected_urgent_seconds{secret="signing-key"} 604800
thorbis_security_secret_expected_urgent_seconds{secret="token"} 604800
# HELP thorbis_security_secret_expected_warning_seconds Time before its end by which the secret is to be replaced.
# TYPE thorbis_security_secret_expected_warning_seconds gauge
thorbis_security_secret_expected_warning_seconds{secret="signing-key"} 2.592e+06
thorbis_security_secret_expected_warning_seconds{secret="token"} 1.2096e+06
# HELP thorbis_security_secret_expiry_timestamp_seconds Unix time at which the secret ends: midnight UTC of a day.
# TYPE thorbis_security_secret_expiry_timestamp_seconds gauge
thorbis_security_secret_expiry_timestamp_seconds{secret="signing-key"} 1.8038592e+09
thorbis_security_secret_expiry_timestamp_seconds{secret="token"} 1.8013536e+09
# HELP thorbis_security_secret_info A secret that ends, with its service, owner and priority.
# TYPE thorbis_security_secret_info gauge
thorbis_security_secret_info{app_service="",owner="ops",page="P3",secret="token"} 1
thorbis_security_secret_info{app_service="web",owner="sre",page="P1",secret="signing-key"} 1
`
	if err := testutil.CollectAndCompare(r.Collector, strings.NewReader(want), metric.SecretExpectedUrgent.Name,
		metric.SecretExpectedWarning.Name, metric.SecretExpiry.Name, metric.SecretInfo.Name); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(r.Collector, metric.FindingExploitedExpectedMaxAge.Name); n != 0 {
		t.Errorf("%d limits of findings without a scan", n)
	}
	sections := r.Sections(collectors.SectionRequest{
		Now: time.Date(2027, 2, 10, 0, 0, 0, 0, time.UTC), Limit: 10,
	})
	if len(sections) != 1 || sections[0].Key != "secrets" || len(sections[0].Rows) != 2 {
		t.Fatalf("sections %+v", sections)
	}
	ended, soon := sections[0].Rows[0], sections[0].Rows[1]
	if ended.Level != collectors.LevelBad || ended.Cells[0] != "token" || soon.Level != collectors.LevelWarning ||
		soon.Cells[0] != "signing-key" {
		t.Errorf("rows %+v", sections[0].Rows)
	}
	r.apply("security: {secrets: []}")
	if n := testutil.CollectAndCount(r.Collector); n != 0 {
		t.Errorf("%d series without secrets", n)
	}
}
