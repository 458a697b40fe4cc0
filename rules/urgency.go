package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// manyTenants holds the parameters of an alert on many tenants at once.
type manyTenants struct {
	level   string // the labels at which it is compared with tiers, as a placeholder
	storm   *metric.Record
	urgency *metric.Record
	own     string                   // the priority that the alert itself is worth
	tier    func(page string) string // the tiers that page on their own at a priority
}

// record writes how urgent the alert is: as urgent as the most urgent tier that it stands for. Otherwise that tier
// would page too, because nothing less urgent may hide a page. The urgency lasts until the crowd is over, even if that
// tier recovers first: otherwise the rest would page again.
func (c manyTenants) record() Rule {
	n := names{"storm": c.storm.Name, "urgency": c.urgency.Name}
	var terms []string
	for i, p := range config.Priorities {
		rank := strconv.Itoa(i + 1)
		terms = append(terms, rank+" * (("+c.tier(pageMatcher(config.Priorities[0], p))+") > bool 0)")
		if i >= slices.Index(config.Priorities, c.own) {
			terms = append(terms, rank+" * ($storm"+braces(pageMatcher(c.own, p))+" > bool 0)")
		}
	}
	return Rule{Record: c.urgency, Expr: expand(`
		min by ($`+c.level+`) (
			`+strings.Join(append(terms, "$urgency"), "\n\t\t\tor ")+`
		)
		and on ($`+c.level+`) $storm`, n)}
}

// alerts returns a rule for each priority.
func (c manyTenants) alerts(a *metric.Alert, wait time.Duration, t text, many string) []Rule {
	var rules []Rule
	for i, p := range config.Priorities {
		rules = append(rules, Rule{
			Alert: a, Priority: p, For: wait, KeepFiringFor: 5 * time.Minute, Annotations: t.annotations(),
			Expr: many + " and on (" + levels[c.level] + ") " + c.urgency.Name + " == " + strconv.Itoa(i+1),
		})
	}
	return rules
}
