package procedure

import (
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of what is remembered of a procedure.
const (
	maxOpen   = 16 // runs in progress; a further one takes the place of the oldest
	maxEnded  = 50 // ids of runs that have ended, to recognise a report that comes twice
	maxOutput = 10_000
	// maxLog are the runs that are listed one by one: more than a year of a daily one.
	maxLog  = 500
	maxNote = 1000 // bytes of what a person writes
)

// durationBounds are the buckets of the histogram of runs, in seconds.
var durationBounds = []float64{1, 5, 15, 60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600}

// kind is what a report says.
type kind int

const (
	started kind = iota
	alive
	succeeded
	failed
)

// event is one report of a run.
type event struct {
	procedure string
	kind      kind
	rid       string    // the run's id, empty if the report has none
	at        time.Time // when it happened
	began     time.Time // of the run, where the report of its end says so
	took      time.Duration
	output    string
	by        string // who reports a task
	logged    bool   // the run is listed
	// seen makes a report of a state, such as the age of a file, count once: it is ignored unless at is later than the
	// last one that was seen.
	seen bool
}

// record is what is known of a procedure. It is replaced and never changed, so that a scrape can read it.
type record struct {
	// Schedule identifies the schedule, and Since is when it was first seen.
	Schedule string    `json:"schedule"`
	Since    time.Time `json:"since"`

	Start    time.Time `json:"start,omitzero"`
	Success  time.Time `json:"success,omitzero"`
	Failure  time.Time `json:"failure,omitzero"`
	Seen     time.Time `json:"seen,omitzero"`
	Duration float64   `json:"duration"` // of the last run, in seconds; negative if unknown
	Output   string    `json:"output,omitempty"`
	// Begun is when the first run began since the last success, and SuccessBegan when that of the last success did; zero
	// if it was not reported.
	Begun        time.Time `json:"begun,omitzero"`
	SuccessBegan time.Time `json:"success_began,omitzero"`

	// By is who reported the last success of a task.
	By  string     `json:"by,omitempty"`
	Log []EndedRun `json:"log,omitempty"`

	Open  []run   `json:"open,omitempty"`
	Ended []ended `json:"ended,omitempty"`

	// Created is since when the rest counts.
	Created    time.Time `json:"created"`
	Succeeded  uint64    `json:"succeeded"`
	Failed     uint64    `json:"failed"`
	Unfinished uint64    `json:"unfinished"`
	Buckets    []uint64  `json:"buckets,omitempty"` // each bucket's own, the last one above all bounds
	Sum        float64   `json:"sum"`
}

// run is a run in progress.
type run struct {
	RID   string    `json:"rid,omitempty"`
	Began time.Time `json:"began"`
	Alive time.Time `json:"alive"` // when it last reported
}

// EndedRun is a run that has ended, as the API lists it.
type EndedRun struct {
	At      time.Time `json:"at"`
	Result  string    `json:"result"`
	Seconds *float64  `json:"seconds,omitempty"`
	By      string    `json:"by,omitempty"`
	Note    string    `json:"note,omitempty"`
	Link    string    `json:"link,omitempty"`
}

// ended is a run that has ended, as far as a second report of it must be recognised.
type ended struct {
	RID string    `json:"rid"`
	At  time.Time `json:"at"`
}

func newRecord(schedule string, now time.Time) *record {
	return &record{Schedule: schedule, Since: now, Created: now, Duration: -1}
}

// clone returns a copy that may be changed.
func (r *record) clone() *record {
	c := *r
	c.Open, c.Ended, c.Buckets = slices.Clone(r.Open), slices.Clone(r.Ended), slices.Clone(r.Buckets)
	c.Log = slices.Clone(r.Log)
	if len(c.Buckets) != len(durationBounds)+1 {
		c.Buckets, c.Sum = make([]uint64, len(durationBounds)+1), 0
	}
	return &c
}

// apply returns the record after a report, the same one if the report changes nothing.
func (r *record) apply(e event) *record {
	if e.seen && !e.at.After(r.Seen) || e.rid != "" && r.hasEnded(e.rid) {
		return r
	}
	c := r.clone()
	if e.seen {
		c.Seen = e.at
	}
	switch e.kind {
	case started:
		if !c.start(e) {
			return r
		}
	case alive:
		i := c.find(e.rid)
		if i < 0 {
			return r
		}
		c.Open[i].Alive = latest(c.Open[i].Alive, e.at)
	case succeeded, failed:
		c.end(e)
	}
	return c
}

// start begins a run. One without an id takes the place of the last such run.
func (r *record) start(e event) bool {
	if i := slices.IndexFunc(r.Open, func(o run) bool { return o.RID == e.rid }); i >= 0 {
		if e.rid != "" {
			return false // it was reported before
		}
		r.Open = slices.Delete(r.Open, i, i+1)
		r.Unfinished++
	}
	if len(r.Open) >= maxOpen {
		r.Open = r.Open[1:]
		r.Unfinished++
	}
	r.Open = append(r.Open, run{e.rid, e.at, e.at})
	r.begins(e.at)
	return true
}

// begins notes the beginning of a run.
func (r *record) begins(at time.Time) {
	r.Start = latest(r.Start, at)
	if !r.Begun.After(r.Success) {
		r.Begun = at
	}
}

// find returns which run in progress a report is about, -1 for none: the one of its id; without one, the run that
// began without one, else the only one.
func (r *record) find(rid string) int {
	if i := slices.IndexFunc(r.Open, func(o run) bool { return o.RID == rid }); i >= 0 || rid != "" {
		return i
	}
	if len(r.Open) == 1 {
		return 0
	}
	return -1
}

// end ends a run. One that ended before the newest success or failure counts, and changes neither.
func (r *record) end(e event) {
	began, seconds := e.began, -1.0
	if i := r.find(e.rid); i >= 0 {
		if began.IsZero() {
			began = r.Open[i].Began
		}
		r.Open = slices.Delete(r.Open, i, i+1)
	}
	switch {
	case e.took > 0:
		seconds = e.took.Seconds()
	case !began.IsZero() && !e.at.Before(began): // else a clock has been set
		seconds = e.at.Sub(began).Seconds()
	}
	newest := !e.at.Before(latest(r.Success, r.Failure))
	if seconds >= 0 {
		r.Buckets[sort.SearchFloat64s(durationBounds, seconds)]++
		r.Sum += seconds
	}
	if newest {
		r.Duration = seconds
	}
	if !began.IsZero() {
		r.begins(began)
	}
	if e.kind == succeeded {
		r.Succeeded++
		if e.at.After(r.Success) {
			r.Success, r.SuccessBegan, r.By = e.at, began, e.by
		}
		if newest {
			r.Output = ""
		}
	} else {
		r.Failed++
		r.Failure = latest(r.Failure, e.at)
		if newest {
			r.Output = e.output
		}
	}
	if e.logged {
		r.list(e, seconds)
	}
	if e.rid != "" {
		if len(r.Ended) >= maxEnded {
			r.Ended = r.Ended[1:]
		}
		r.Ended = append(r.Ended, ended{e.rid, e.at})
	}
}

// list adds a run to those that are listed, in the order in which they ended.
func (r *record) list(e event, seconds float64) {
	one := EndedRun{At: e.at, Result: metric.ResultSuccess, By: e.by}
	if e.kind == failed {
		one.Result = metric.ResultFailure
	}
	if seconds >= 0 {
		one.Seconds = &seconds
	}
	if e.by != "" {
		one.Note, one.Link = noteOf(e.output), linkRE.FindString(e.output)
	}
	i := len(r.Log)
	for i > 0 && r.Log[i-1].At.After(one.At) {
		i--
	}
	r.Log = slices.Insert(r.Log, i, one)
	if drop := len(r.Log) - maxLog; drop > 0 {
		r.Log = slices.Delete(r.Log, 0, drop)
	}
}

// linkRE finds the link in what a person writes.
var linkRE = regexp.MustCompile(`https?://[^\s<>"]{1,500}`)

func noteOf(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxNote {
		text = strings.ToValidUTF8(text[:maxNote], "")
	}
	return text
}

func (r *record) hasEnded(rid string) bool {
	return slices.ContainsFunc(r.Ended, func(e ended) bool { return e.RID == rid })
}

// failing reports whether the last run that ended has failed.
func (r *record) failing() bool { return r.Failure.After(r.Success) }

// silent returns when the run in progress last reported that has been silent for the longest, zero without one.
func (r *record) silent() (since time.Time) {
	for _, o := range r.Open {
		if since.IsZero() || o.Alive.Before(since) {
			since = o.Alive
		}
	}
	return since
}

// sane returns the record without times that are more than a minute ahead: a clock was set back.
func (r *record) sane(now time.Time) *record {
	limit := now.Add(time.Minute)
	times := []time.Time{r.Start, r.Success, r.Failure, r.Seen, r.Since, r.Begun, r.SuccessBegan}
	for _, o := range r.Open {
		times = append(times, o.Began, o.Alive)
	}
	if !slices.ContainsFunc(times, limit.Before) {
		return r
	}
	c := r.clone()
	for _, t := range []*time.Time{&c.Start, &c.Success, &c.Failure, &c.Seen, &c.Since, &c.Begun, &c.SuccessBegan} {
		*t = earliest(*t, now)
	}
	for i := range c.Open {
		c.Open[i].Began, c.Open[i].Alive = earliest(c.Open[i].Began, now), earliest(c.Open[i].Alive, now)
	}
	return c
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
