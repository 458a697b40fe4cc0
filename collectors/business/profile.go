package business

import (
	"maps"
	"slices"
	"time"
)

// What is usual at a time is the median of the same time of the week in the last four weeks: one week with an outage or
// a campaign does not move it far. Hours are kept by the exporter itself, since Prometheus may keep fifteen days only.
const (
	profileWeeks = 4
	// profileAge is how long hours are kept: four weeks, and the hours beside.
	profileAge = (profileWeeks*7 + 1) * 24 * time.Hour
	// leastMinutes of an hour must have been counted, or it does not represent the hour.
	leastMinutes = 30
)

// tally is a number of transactions and their value.
type tally struct {
	N int64   `json:"n"`
	V float64 `json:"v,omitempty"`
}

// hour is what succeeded in an hour, of which so many minutes were counted.
type hour struct {
	tally
	Minutes int `json:"minutes"`
}

// profile has what succeeded, by the hour since the epoch.
type profile map[int64]*hour

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// at returns the hour of a time, to be changed.
func (p profile) at(t time.Time) *hour {
	h := p[hourOf(t)]
	if h == nil {
		h = &hour{}
		p[hourOf(t)] = h
	}
	return h
}

// forget drops hours that no expectation needs any more.
func (p profile) forget(now time.Time) {
	for h := range p {
		if oldest := hourOf(now.Add(-profileAge)); h < oldest || h > hourOf(now)+1 {
			delete(p, h)
		}
	}
}

// rate returns the transactions per minute of an hour, false where too little of it was counted.
func (p profile) rate(h int64) (float64, bool) {
	one := p[h]
	if one == nil || one.Minutes < leastMinutes {
		return 0, false
	}
	return float64(one.N) / float64(one.Minutes), true
}

// smooth returns the transactions per minute at a time, on the line between the middle of its hour and that of the hour
// beside it: the steps from hour to hour are no drops. Where the hour beside is not known, its own rate holds.
func (p profile) smooth(t time.Time) (float64, bool) {
	h := hourOf(t)
	own, ok := p.rate(h)
	if !ok {
		return 0, false
	}
	share := float64(t.Unix()-h*3600)/3600 - 0.5 // of an hour from its middle
	beside, weight := h+1, share
	if share < 0 {
		beside, weight = h-1, -share
	}
	other, ok := p.rate(beside)
	if !ok {
		return own, true
	}
	return own*(1-weight) + other*weight, true
}

// usual returns how many transactions per minute are usual at a time of the week in a zone, and from how many weeks
// that is known; 0 weeks means that it is not.
func (p profile) usual(t time.Time, zone *time.Location) (perMinute float64, weeks int) {
	local := t.In(zone)
	rates := make([]float64, 0, profileWeeks)
	for week := 1; week <= profileWeeks; week++ {
		if rate, ok := p.smooth(local.AddDate(0, 0, -7*week)); ok {
			rates = append(rates, rate)
		}
	}
	if len(rates) == 0 {
		return 0, 0
	}
	slices.Sort(rates)
	middle := len(rates) / 2
	if len(rates)%2 == 1 {
		return rates[middle], len(rates)
	}
	return (rates[middle-1] + rates[middle]) / 2, len(rates)
}

// mean returns the average value of a transaction of all hours, 0 without any. The hours are added up in their order,
// so that the same hours always have the same mean.
func (p profile) mean() float64 {
	var all tally
	for _, h := range slices.Sorted(maps.Keys(p)) {
		all.N += p[h].N
		all.V += p[h].V
	}
	if all.N == 0 {
		return 0
	}
	return all.V / float64(all.N)
}
