package slo

import "time"

// Thresholds of objectives that count events.
const (
	// eventFloor is the least number of bad events in a short window for an alert. secondFloor is that of bad seconds
	// for an objective that counts seconds.
	eventFloor  = 10
	secondFloor = 30
	// afterWhole delays the alerts of tenants and tiers, so that the alert of a burning service fires first.
	afterWhole = 2 * time.Minute
	// steadyTraffic is how many events in an hour make fifteen minutes without any a fault. Of 30 expected events,
	// none occurs by chance once in 10^13 times.
	steadyTraffic = 120
)
