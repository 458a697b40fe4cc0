package alertmanager

import (
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
)

// businessHours names the time interval of the policy's business hours.
const businessHours = "business-hours"

// intervals declares the business hours if any priority keeps them.
func intervals(p *config.Policy) []timeInterval {
	for _, priority := range p.Priorities {
		if priority.BusinessHours {
			return []timeInterval{{Name: businessHours, Intervals: spans(p.Hours)}}
		}
	}
	return nil
}

// spans are the business hours as Alertmanager has them: none goes over midnight.
func spans(h config.BusinessHours) []span {
	if !h.Overnight() {
		return []span{{Times: []clock{{Start: h.From, End: h.To}}, Weekdays: h.Weekdays, Location: h.TimeZone}}
	}
	all := []span{{Times: []clock{{Start: h.From, End: endOfDay}}, Weekdays: h.Weekdays, Location: h.TimeZone}}
	if h.To != startOfDay {
		all = append(all,
			span{Times: []clock{{Start: startOfDay, End: h.To}}, Weekdays: after(h.Weekdays), Location: h.TimeZone})
	}
	return all
}

const (
	startOfDay = "00:00"
	endOfDay   = "24:00"
)

// after are the days after some; every day is after every day.
func after(weekdays []string) []string {
	var next []string
	for _, name := range weekdays {
		if d, err := config.ParseWeekday(name); err == nil {
			next = append(next, strings.ToLower(((d + 1) % 7).String()))
		}
	}
	return next
}

// keepsHours reports whether a channel may be quiet outside business hours: chat and mail only. Alertmanager never
// sends the resolve of an alert that recovers while its receiver is muted. A PagerDuty incident or a ticket would then
// stay open forever.
func keepsHours(c *config.Channel) bool { return c.Slack != nil || c.Email != nil || c.MSTeams != nil }
