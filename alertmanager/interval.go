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

// keepsHours reports whether a channel may be quiet outside business hours: chat and mail, and nothing else.
// Alertmanager never sends the resolve of an alert that recovers while its receiver is muted, so what a
// resolve must close, PagerDuty or a ticket, would stay open for ever.
func keepsHours(c *config.Channel) bool { return c.Slack != nil || c.Email != nil || c.MSTeams != nil }
