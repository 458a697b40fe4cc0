// Package paging finds who is notified of an alert at which hours of the week.
package paging

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/mixin/routetest"
)

const (
	slot  = 30 * time.Minute
	slots = int(24 * time.Hour / slot) // of a day
)

// monday begins a week in which no clock changes in most countries.
var monday = time.Date(2026, time.January, 12, 0, 0, 0, 0, time.UTC)

// Week is which receivers are notified in each half hour of a week, Monday first.
type Week [7][]string

// Span is a part of the week and who is notified in it, no one if Receivers is empty.
type Span struct {
	When      string   `json:"when"` // such as Mon-Fri 09:00-18:00
	Receivers []string `json:"receivers"`
}

// Labels returns the labels of an alert of a service at a priority, as the rules of the bundle set them.
func Labels(p *config.Policy, priority, service, owner string) map[string]string {
	labels := map[string]string{
		metric.LabelAlertname: metric.CheckDownAlert.Name, metric.LabelBundle: metric.BundleThorbis,
		metric.LabelEnvironment: p.Environment, metric.LabelPriority: priority,
		metric.LabelSeverity: metric.Severities[priority], metric.LabelOwner: owner, metric.LabelAppService: service,
	}
	maps.DeleteFunc(labels, func(_, value string) bool { return value == "" })
	return labels
}

// Of returns who is notified of an alert in each half hour, in the time zone of the policy's business hours.
func Of(tester *routetest.Tester, p *config.Policy, labels map[string]string) (Week, error) {
	var week Week
	zone, err := time.LoadLocation(p.Hours.TimeZone)
	if err != nil {
		return week, err
	}
	first := time.Date(monday.Year(), monday.Month(), monday.Day(), 0, 0, 0, 0, zone)
	for day := range week {
		for half := range slots {
			at := first.AddDate(0, 0, day).Add(time.Duration(half) * slot)
			found, err := tester.Find(routetest.Test{Labels: labels, At: at})
			if err != nil {
				return week, err
			}
			receivers := slices.DeleteFunc(found.Receivers, func(r string) bool {
				_, channel := p.Channels[r]
				return !channel || slices.Contains(found.Muted, r)
			})
			slices.Sort(receivers)
			week[day] = append(week[day], strings.Join(slices.Compact(receivers), ", "))
		}
	}
	return week, nil
}

// Spans sums the week up: one span for each set of receivers, that of the most hours last.
func (w Week) Spans() []Span {
	count := map[string]int{}
	for _, day := range w {
		for _, receivers := range day {
			count[receivers]++
		}
	}
	sets := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		if count[a] != count[b] {
			return count[a] - count[b]
		}
		return strings.Compare(a, b)
	})
	var spans []Span
	for i, set := range sets {
		when := w.when(set)
		if i == len(sets)-1 {
			when = "at other hours"
			if i == 0 {
				when = "at any hour"
			}
		}
		var receivers []string
		if set != "" {
			receivers = strings.Split(set, ", ")
		}
		spans = append(spans, Span{when, receivers})
	}
	return spans
}

// when says in which hours a set of receivers is notified.
func (w Week) when(set string) string {
	var parts []string
	for day := 0; day < len(w); {
		hours := hoursOf(w[day], set)
		last := day
		for last+1 < len(w) && hoursOf(w[last+1], set) == hours {
			last++
		}
		if hours != "" {
			name := dayName(day)
			if last > day {
				name += "-" + dayName(last)
			}
			parts = append(parts, name+" "+hours)
		}
		day = last + 1
	}
	return strings.Join(parts, ", ")
}

func hoursOf(day []string, set string) string {
	var parts []string
	for i := 0; i < len(day); i++ {
		if day[i] != set {
			continue
		}
		from := i
		for i < len(day) && day[i] == set {
			i++
		}
		parts = append(parts, clock(from)+"-"+clock(i))
	}
	return strings.Join(parts, " and ")
}

func clock(half int) string {
	return fmt.Sprintf("%02d:%02d", half/2, half%2*int(slot/time.Minute))
}

func dayName(day int) string { return monday.AddDate(0, 0, day).Format("Mon") }

// String writes a span for a person.
func (s Span) String() string {
	if len(s.Receivers) == 0 {
		return "no one " + s.When
	}
	return strings.Join(s.Receivers, ", ") + " " + s.When
}
