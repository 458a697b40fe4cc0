package domain

import (
	"fmt"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// The registry's date outranks the policy's while its report is fresh and a server is known; then the later one counts.
// What was reported once is expected to be reported again.
func TestStaleDate(t *testing.T) {
	for name, c := range map[string]struct {
		age           time.Duration
		servers       string
		byHand        string
		want          time.Time
		wantsInterval bool
	}{
		"fresh":                    {time.Hour, "rdap: \"https://x.example/\"", "2028-01-01", day(2027, 1, 1), true},
		"stale, later by hand":     {80 * time.Hour, "rdap: \"https://x.example/\"", "2028-01-01", day(2028, 1, 1), true},
		"stale, earlier by hand":   {80 * time.Hour, "rdap: \"https://x.example/\"", "2026-01-01", day(2027, 1, 1), true},
		"no server, later by hand": {time.Hour, "", "2028-01-01", day(2028, 1, 1), true},
		"no server, none reported": {0, "", "2028-01-01", day(2028, 1, 1), false},
	} {
		e := start(t, nil, `{names: [{name: a.rdap, expires: `+c.byHand+`}], servers: {`+c.servers+`}}`)
		if c.age > 0 {
			e.records["a.rdap"] = &record{Expires: day(2027, 1, 1), LastSuccess: time.Now().Add(-c.age)}
		}
		e.show()
		if !has(t, e, fmt.Sprintf(`thorbis_domain_expiry_timestamp_seconds{domain="a.rdap"} %g`, float64(c.want.Unix()))) {
			t.Errorf("%s: the date is not %s", name, c.want)
		}
		if hasMetric(t, e, metric.DomainExpectedInterval, "a.rdap") != c.wantsInterval {
			t.Errorf("%s: a look-up is expected: %t", name, !c.wantsInterval)
		}
	}
}
