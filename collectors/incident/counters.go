package incident

import (
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of the histograms in seconds: where response objectives commonly lie.
var (
	acknowledgeBounds = []float64{60, 120, 300, 600, 900, 1800, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600}
	notifyBounds      = []float64{5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600}
	resolveBounds     = []float64{
		60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600,
	}
)

// counters count from Created on, every value of every label from 0.
type counters struct {
	Created     time.Time                    `json:"created"`
	Opened      map[string]map[string]uint64 `json:"opened"`    // priority, shift
	Responses   map[string]map[string]uint64 `json:"responses"` // priority, result
	Brief       map[string]uint64            `json:"brief"`
	Drills      map[string]map[string]uint64 `json:"drills,omitempty"` // priority, result
	Acknowledge map[string]*durations        `json:"acknowledge"`
	Resolve     map[string]*durations        `json:"resolve"`

	// What event recorders report.
	Events        map[string]uint64                       `json:"events,omitempty"`        // kind
	Notifications map[string]uint64                       `json:"notifications,omitempty"` // reason
	Notify        map[string]*durations                   `json:"notify,omitempty"`
	Pages         map[string]map[string]map[string]uint64 `json:"pages,omitempty"` // priority, recipient, shift
}

func newCounters(now time.Time) counters {
	c := counters{Created: now}
	c.complete()
	return c
}

// complete adds what an older version did not count yet.
func (c *counters) complete() {
	if c.Opened == nil {
		c.Opened = map[string]map[string]uint64{}
	}
	if c.Responses == nil {
		c.Responses = map[string]map[string]uint64{}
	}
	if c.Brief == nil {
		c.Brief = map[string]uint64{}
	}
	if c.Acknowledge == nil {
		c.Acknowledge = map[string]*durations{}
	}
	if c.Resolve == nil {
		c.Resolve = map[string]*durations{}
	}
	if c.Events == nil {
		c.Events = map[string]uint64{}
	}
	if c.Notifications == nil {
		c.Notifications = map[string]uint64{}
	}
	if c.Notify == nil {
		c.Notify = map[string]*durations{}
	}
	if c.Pages == nil {
		c.Pages = map[string]map[string]map[string]uint64{}
	}
	if c.Drills == nil {
		c.Drills = map[string]map[string]uint64{}
	}
	for _, p := range config.Priorities {
		if c.Drills[p] == nil {
			c.Drills[p] = map[string]uint64{}
		}
		if c.Pages[p] == nil {
			c.Pages[p] = map[string]map[string]uint64{}
		}
		if !c.Notify[p].fits(notifyBounds) {
			c.Notify[p] = newDurations(notifyBounds)
		}
		if c.Opened[p] == nil {
			c.Opened[p] = map[string]uint64{}
		}
		if c.Responses[p] == nil {
			c.Responses[p] = map[string]uint64{}
		}
		if !c.Acknowledge[p].fits(acknowledgeBounds) {
			c.Acknowledge[p] = newDurations(acknowledgeBounds)
		}
		if !c.Resolve[p].fits(resolveBounds) {
			c.Resolve[p] = newDurations(resolveBounds)
		}
	}
}

// copy returns counters that no longer change.
func (c *counters) copy() counters {
	out := newCounters(c.Created)
	maps.Copy(out.Events, c.Events)
	maps.Copy(out.Notifications, c.Notifications)
	for _, p := range config.Priorities {
		out.Notify[p] = c.Notify[p].copy()
		for recipient, shifts := range c.Pages[p] {
			out.Pages[p][recipient] = maps.Clone(shifts)
		}
		maps.Copy(out.Opened[p], c.Opened[p])
		maps.Copy(out.Responses[p], c.Responses[p])
		maps.Copy(out.Drills[p], c.Drills[p])
		out.Brief[p] = c.Brief[p]
		out.Acknowledge[p] = c.Acknowledge[p].copy()
		out.Resolve[p] = c.Resolve[p].copy()
	}
	return out
}

// page counts a page of a recipient.
func (c *counters) page(priority, recipient, shift string) {
	if c.Pages[priority][recipient] == nil {
		c.Pages[priority][recipient] = map[string]uint64{}
	}
	c.Pages[priority][recipient][shift]++
}

// durations is a histogram that can be saved.
type durations struct {
	Bounds []float64 `json:"bounds"`
	Counts []uint64  `json:"counts"` // each bucket's own
	Count  uint64    `json:"count"`
	Sum    float64   `json:"sum"`
}

func newDurations(bounds []float64) *durations {
	return &durations{Bounds: bounds, Counts: make([]uint64, len(bounds))}
}

func (d *durations) fits(bounds []float64) bool {
	if d == nil || len(d.Bounds) != len(bounds) || len(d.Counts) != len(bounds) {
		return false
	}
	for i := range bounds {
		if d.Bounds[i] != bounds[i] {
			return false
		}
	}
	return true
}

func (d *durations) observe(took time.Duration) {
	seconds := max(took.Seconds(), 0)
	d.Count++
	d.Sum += seconds
	for i, bound := range d.Bounds {
		if seconds <= bound {
			d.Counts[i]++
			return
		}
	}
}

func (d *durations) copy() *durations {
	out := newDurations(d.Bounds)
	copy(out.Counts, d.Counts)
	out.Count, out.Sum = d.Count, d.Sum
	return out
}

func (d *durations) metric(m *metric.Metric, created time.Time, labels ...string) prometheus.Metric {
	buckets, sum := make(map[float64]uint64, len(d.Bounds)), uint64(0)
	for i, bound := range d.Bounds {
		sum += d.Counts[i]
		buckets[bound] = sum
	}
	return prometheus.MustNewConstHistogramWithCreatedTimestamp(descs[m], d.Count, d.Sum, buckets, created, labels...)
}
