package config

import "time"

// Pace is how soon and how often Alertmanager notifies of one group of alerts. Both halves need it: routes are paced
// by it, and an acknowledgement holds for what had been sent by then.
type Pace struct {
	Wait     Duration // before the first notification
	Interval Duration // until alerts that joined the group are sent
	Repeat   Duration
}

// PaceOf returns the pace of a priority, that of P1 for an unknown one. What wakes people waits only as long as alerts
// of one outage need to gather. Every repeat is shorter than the notification log's retention of 120 h, beyond which
// it would be void.
func PaceOf(priority string) Pace {
	second, minute, hour := Duration(time.Second), Duration(time.Minute), Duration(time.Hour)
	switch priority {
	case "P2":
		return Pace{5 * second, minute, 4 * hour}
	case "P3":
		return Pace{30 * second, 5 * minute, 24 * hour}
	case "P4":
		return Pace{30 * second, 5 * minute, 4 * 24 * hour}
	}
	return Pace{5 * second, minute, hour}
}
