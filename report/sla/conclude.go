package sla

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/report"
)

func contractOf(s *config.SLA) Contract {
	c := Contract{
		Target: percent(s.Availability), MinimumOutage: report.Length(s.MinimumOutage),
		MaintenanceNotice: report.Length(s.MaintenanceNotice), MaintenanceCap: report.Length(s.MaintenanceCap),
		Credits: []Band{},
	}
	for _, b := range s.Credits {
		c.Credits = append(c.Credits, Band{percent(b.Below), percent(b.Credit.Ratio)})
	}
	return c
}

// percent writes a ratio of the policy exactly, without its sign.
func percent(r config.Ratio) string {
	if r.IsZero() {
		return ""
	}
	return strings.TrimSuffix(r.Percent(), "%")
}

// conclude takes the figures of a service from its worst check, and judges them by the contract.
func (b *Builder) conclude(s *Service) {
	worst := slices.MinFunc(s.Checks, func(a, b Check) int { return compare(a.Figures, b.Figures) })
	s.Figures, s.Availability, s.Worst = worst.Figures, worst.Availability, worst.Name
	s.Kept, s.Credit = b.kept(s.Figures), b.credit(s.Figures)
}

// compare orders figures by availability, the worst first; what was not judged comes last.
func compare(a, b Figures) int {
	x, y := a.Availability(), b.Availability()
	switch {
	case x.Whole <= 0 && y.Whole <= 0:
		return 0
	case x.Whole <= 0:
		return 1
	case y.Whole <= 0:
		return -1
	}
	return rational(x).Cmp(rational(y))
}

func rational(r report.Ratio) *big.Rat { return big.NewRat(max(r.Part, 0), r.Whole) }

// kept reports whether the contract was kept, by the exact ratio and not by its decimals.
func (b *Builder) kept(f Figures) *bool {
	r := f.Availability()
	if b.policy.SLA.Availability.IsZero() || r.Whole <= 0 {
		return nil
	}
	kept := rational(r).Cmp(b.policy.SLA.Availability.Rat()) >= 0
	return &kept
}

func (b *Builder) credit(f Figures) Credit {
	due, band := b.due(f.Availability())
	worst, _ := b.due(f.Pessimistic())
	c := Credit{Due: due, Band: band, IfUnknownDown: worst}
	if due != "0" || worst != "0" {
		c.ClaimUntil = b.claimUntil()
	}
	return c
}

// due returns the share of the fee by the lowest band that the availability is below.
func (b *Builder) due(r report.Ratio) (due, band string) {
	due = "0"
	if r.Whole <= 0 {
		return due, ""
	}
	for _, c := range b.policy.SLA.Credits {
		if rational(r).Cmp(c.Below.Rat()) < 0 {
			due, band = percent(c.Credit.Ratio), percent(c.Below)
		}
	}
	return due, band
}

// claimUntil is the last day on which a credit of the month can be claimed: so many days after the month's last one.
func (b *Builder) claimUntil() report.Date {
	next := b.month.Add(1)
	days := int(b.policy.SLA.Claim() / (24 * time.Hour))
	return report.Date(time.Date(next.Year, next.Month, days, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
}

// enough is the coverage below which figures are doubtful.
var enough = big.NewRat(99, 100)

// summarize takes the figures of the report from its worst service, and notes what they rest on.
func (b *Builder) summarize(r *Report) {
	r.Method = Method{
		PolicyHash: b.policy.Hash(), Sources: []report.Source{}, Comparisons: []Comparison{}, Defects: []string{},
	}
	note := func(format string, args ...any) {
		r.Method.Notes = append(r.Method.Notes, fmt.Sprintf(format, args...))
	}
	if len(r.Services) == 0 {
		r.Credit = Credit{Due: "0", IfUnknownDown: "0"}
		r.Method.Defects = append(r.Method.Defects, "No exporter has a history of a health check in this month.")
		return
	}
	worst := slices.MinFunc(r.Services, func(a, b Service) int { return compare(a.Figures, b.Figures) })
	r.Figures, r.Service, r.Availability, r.Kept, r.Credit = worst.Figures, worst.Name, worst.Availability, worst.Kept,
		worst.Credit
	r.Pessimistic, r.Coverage = worst.Pessimistic(), worst.Coverage()
	note("Availability is the share of the judged time in which the worst check of the worst service was not down. " +
		"Judged time is the month without excluded and unknown time. Percentages are cut after three decimals, never " +
		"rounded up; kept and credits follow the exact ratio.")
	note("A check is down while at least two locations see it down, or the only one that judged. A location that judged " +
		"less than half as long as another on a day has no vote on it.")
	var unexcused, unlisted report.Length
	single := false
	for _, s := range r.Services {
		for _, c := range s.Checks {
			unexcused, unlisted = max(unexcused, c.Unexcused), max(unlisted, c.Unlisted)
			single = single || c.Locations == 1
		}
	}
	if unexcused > 0 {
		note("Maintenance that the contract does not leave out counts as down in full: exporters do not judge a check in "+
			"maintenance. It is %s of the check that has most.", unexcused)
	}
	if unlisted > 0 {
		note("A check had more outages than the history lists. Their %s are in the figures, without minimum length.",
			unlisted)
	}
	if single {
		note("At least one check was judged from a single location.")
	}
	if r.Unknown > 0 {
		note("Unknown time is neither up nor down. It is time in which no exporter could judge, or none ran.")
	}
	if c := r.Coverage; c.Whole > 0 && rational(c).Cmp(enough) < 0 {
		r.Method.Defects = append(r.Method.Defects,
			fmt.Sprintf("Only %s %% of the time that counts was judged.", c.Percent()))
	}
	if others := r.unjudged(); len(others) > 0 {
		r.Method.Defects = append(r.Method.Defects, "Little of the time that counts was judged of other checks, which may "+
			"have been down for longer than the worst one: "+strings.Join(others, ", ")+".")
	}
	if r.Credit.Due != r.Credit.IfUnknownDown {
		r.Method.Defects = append(r.Method.Defects, fmt.Sprintf("The credit depends on the unknown time: %s %% of the fee "+
			"is due by what was measured, %s %% if all of it was down.", r.Credit.Due, r.Credit.IfUnknownDown))
	}
}

// maxUnjudged bounds the checks that a report names as little judged.
const maxUnjudged = 20

// unjudged are the checks beside the worst one of which too little was judged, each with its coverage.
func (r *Report) unjudged() []string {
	var names []string
	for _, s := range r.Services {
		for _, c := range s.Checks {
			coverage := c.Coverage()
			if s.Name == r.Service && c.Name == s.Worst || coverage.Whole <= 0 || rational(coverage).Cmp(enough) >= 0 {
				continue
			}
			names = append(names, fmt.Sprintf("%s (%s %%)", c.Name, coverage.Percent()))
		}
	}
	if more := len(names) - maxUnjudged; more > 0 {
		names = append(names[:maxUnjudged], fmt.Sprintf("and %d more", more))
	}
	return names
}
