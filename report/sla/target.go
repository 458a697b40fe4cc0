package sla

import "time"

// Target is what one exporter recorded of one target of a check from its location.
type Target struct {
	Check    string       `json:"check"`
	Tenant   string       `json:"tenant,omitempty"`
	Location string       `json:"location"`
	Days     []DaySeconds `json:"days"`
	Outages  []Seen       `json:"outages"`
	// Omitted is how many more outages there were, of which only the seconds of the days are known.
	Omitted uint64 `json:"outages_omitted,omitzero"`
	// Source is what this was read from, empty for an exporter's own history.
	Source string `json:"source,omitempty"`
}

// Place is the check and location of the target.
func (t *Target) Place() PlaceKey { return PlaceKey{t.Check, t.Tenant, t.Location} }

// DaySeconds is where the time of a target went on a day.
type DaySeconds struct {
	Date        string        `json:"date"`
	Observed    time.Duration `json:"observed"` // up or down
	Down        time.Duration `json:"down"`
	Unknown     time.Duration `json:"unknown"`
	Maintenance time.Duration `json:"maintenance"`
}

// Seen is an outage as one location saw it. Down is less than its length where the check was unknown meanwhile.
type Seen struct {
	Location string        `json:"location"`
	Source   string        `json:"source,omitempty"` // as in Target
	Begin    time.Time     `json:"begin"`
	End      time.Time     `json:"end,omitzero"` // zero while it is open
	Down     time.Duration `json:"down"`
	Reason   string        `json:"reason"`
}

// most is the day on which the greatest of each of two was counted: exporters of a location, and locations, watch the
// same thing.
func (d DaySeconds) most(o DaySeconds) DaySeconds {
	d.Observed, d.Down = max(d.Observed, o.Observed), max(d.Down, o.Down)
	d.Unknown, d.Maintenance = max(d.Unknown, o.Unknown), max(d.Maintenance, o.Maintenance)
	return d
}
