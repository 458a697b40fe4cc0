package alertmanager

import "github.com/thorbis/thorbis_exporter/config"

// businessHours names the time interval of the policy's business hours.
const businessHours = "business-hours"

// intervals declares the business hours if any priority keeps them.
func intervals(p *config.Policy) []timeInterval {
	for _, priority := range p.Priorities {
		if priority.BusinessHours {
			return []timeInterval{{Name: businessHours, Intervals: []span{{
				Times:    []clock{{Start: p.Hours.From, End: p.Hours.To}},
				Weekdays: p.Hours.Weekdays,
				Location: p.Hours.TimeZone,
			}}}}
		}
	}
	return nil
}

// holdsState reports whether what a channel opens must be closed by a resolve. Alertmanager never sends
// the resolve of an alert that recovers outside a receiver's hours, so such a channel keeps none.
func holdsState(c *config.Channel) bool { return c.PagerDuty != nil || c.Webhook != nil }
