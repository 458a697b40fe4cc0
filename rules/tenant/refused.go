package tenant

import (
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// refused returns the alerts on refused requests and failed log-ins that rise. They are compared with the most of any
// hour that ended between 23 and 25 hours ago, so that the hour after an install, and a change of the clock, are no
// rise. What was not counted the day before cannot have risen.
func refused() rule.Group {
	rules := []rule.Rule{
		record(metric.RefusedIncrease, `sum by ($service, code) (increase($refusals[1h]))`),
		record(metric.RefusedShare, `
			$refused / on ($service) group_left () (sum by ($service) (increase($counted[1h])) > 0)`),
		record(metric.FailedLoginsIncrease, `sum by ($service) (increase($failures[1h]))`),
	}
	rules = append(rules, ofService(metric.RefusedRisingAlert, "P3", 2*rule.Patience, `
		$refusedShare > 0.01
		and $refusedShare > 3 * max_over_time($refusedShare[2h] offset 23h)
		and $refused >= 100`, rule.Text{
		Summary: "More requests of a service are refused than yesterday.",
		Description: `In the last hour {{ $value | humanizePercentage }} of the requests of {{ $labels.app_service }} in
			{{ $labels.environment }} were answered with {{ $labels.code }}, more than three times the share of yesterday.
			Owner: {{ $labels.owner }}.
			First look: the tenants with the most, on the security dashboard. Many of one tenant are a client with a wrong
			key, or in a loop; many of _unknown or of all are somebody who guesses, or a key that was changed.`,
	})...)
	rules = append(rules, ofService(metric.FailedLoginsRisingAlert, "P3", 2*rule.Patience, `
		$logins >= 100
		and $logins > 3 * max_over_time($logins[2h] offset 23h)`, rule.Text{
		Summary: "More log-ins fail than yesterday.",
		Description: `In the last hour {{ $value | humanize }} log-ins of {{ $labels.app_service }} in
			{{ $labels.environment }} failed, more than three times as many as yesterday. Owner: {{ $labels.owner }}.
			First look: the tenants with the most, on the security dashboard; then whether users can log in at all, and
			the addresses in the access log.`,
	})...)
	return rule.Group{Name: "thorbis-tenant-refused", Interval: rule.WindowInterval, Rules: rules}
}
