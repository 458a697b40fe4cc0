package rule

import (
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// MassOutage holds the parameters of an alert on many tenants at once.
type MassOutage struct {
	Level   string // the labels at which it is compared with tiers, as a placeholder
	Many    *metric.Record
	Urgency *metric.Record
	Own     string                   // the priority that the alert itself is worth
	Tier    func(page string) string // the tiers that page on their own at a priority
}

// Record writes how urgent the alert is: as urgent as the most urgent tier that it stands for. Otherwise that tier
// would page too, because nothing less urgent may hide a page. The urgency lasts until the mass outage is over, even if
// that tier recovers first: otherwise the rest would page again.
func (m MassOutage) Record() Rule {
	return Rule{Record: m.Urgency, Expr: Expand(`
		min by ($level) (
			0 * ($tier) + on (environment, page) group_left () $rank
			or
			clamp_min(`+Ranks("($many > bool 0)")+`, $own)
			or
			$urgency
		)
		and on ($level) $many`, Names{
		"many": m.Many.Name, "urgency": m.Urgency.Name, "tier": m.Tier(""), "level": Levels[m.Level],
		"rank": metric.PageRank.Name, "own": strconv.Itoa(config.PriorityRank(m.Own)),
	})}
}

// Alerts returns a rule for each priority.
func (m MassOutage) Alerts(a *metric.Alert, wait time.Duration, t Text, many string) []Rule {
	var rules []Rule
	for i, p := range config.Priorities {
		rules = append(rules, Rule{
			Alert: a, Priority: p, For: wait, KeepFiringFor: Returning, Annotations: t.Annotations(),
			Expr: many + " and on (" + Levels[m.Level] + ") " + m.Urgency.Name + " == " + strconv.Itoa(i+1),
		})
	}
	return rules
}
