package procedure

import (
	"slices"
	"testing"
	"time"
)

const (
	rid1 = "11111111-1111-4111-8111-111111111111"
	rid2 = "22222222-2222-4222-8222-222222222222"
)

// day0 is when the stories of these tests begin.
var day0 = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return day0.Add(time.Duration(n) * time.Minute) }

func applied(events ...event) *record {
	r := newRecord("", day0)
	for _, e := range events {
		r = r.apply(e)
	}
	return r
}

func begin(n int, rid string) event { return event{kind: started, at: minute(n), rid: rid} }
func done(n int, rid string) event  { return event{kind: succeeded, at: minute(n), rid: rid} }
func fail(n int, rid string) event {
	return event{kind: failed, at: minute(n), rid: rid, output: "broken"}
}
func log(n int, rid string) event { return event{kind: alive, at: minute(n), rid: rid} }

func TestApply(t *testing.T) {
	for name, c := range map[string]struct {
		events []event
		// minutes of the newest start, success, failure and of the oldest run's last report; -1 for none
		start, success, failure, silent int
		duration                        float64 // minutes, -1 for unknown
		succeeded, failed, unfinished   uint64
		open                            int
	}{
		"a success":             {[]event{done(5, "")}, -1, 5, -1, -1, -1, 1, 0, 0, 0},
		"a run":                 {[]event{begin(1, ""), done(5, "")}, 1, 5, -1, -1, 4, 1, 0, 0, 0},
		"a run that fails":      {[]event{begin(1, ""), fail(5, "")}, 1, -1, 5, -1, 4, 0, 1, 0, 0},
		"a run with an id":      {[]event{begin(1, rid1), done(5, rid1)}, 1, 5, -1, -1, 4, 1, 0, 0, 0},
		"a run in progress":     {[]event{begin(1, "")}, 1, -1, -1, 1, -1, 0, 0, 0, 1},
		"a run that is alive":   {[]event{begin(1, ""), log(9, "")}, 1, -1, -1, 9, -1, 0, 0, 0, 1},
		"alive with another id": {[]event{begin(1, rid1), log(9, rid2)}, 1, -1, -1, 1, -1, 0, 0, 0, 1},
		"alive without a run":   {[]event{log(9, "")}, -1, -1, -1, -1, -1, 0, 0, 0, 0},
		// Overlapping runs: with ids each has its own duration; without, the newer takes the place of the older.
		"two runs": {
			[]event{begin(1, rid1), begin(4, rid2), done(6, rid1), done(14, rid2)},
			4, 14, -1, -1, 10, 2, 0, 0, 0,
		},
		"two runs, the first at work": {
			[]event{begin(1, rid1), begin(4, rid2), done(6, rid2)}, 4, 6, -1, 1, 2, 1, 0, 0, 1,
		},
		"two runs without ids": {[]event{begin(1, ""), begin(4, ""), done(6, "")}, 4, 6, -1, -1, 2, 1, 0, 1, 0},
		"an end without an id": {[]event{begin(1, rid1), done(6, "")}, 1, 6, -1, -1, 5, 1, 0, 0, 0},
		"an end without an id, of several": {
			[]event{begin(1, rid1), begin(2, rid2), done(6, "")}, 2, 6, -1, 1, -1, 1, 0, 0, 2,
		},
		// What comes twice counts once, if it has an id.
		"twice": {
			[]event{begin(1, rid1), begin(1, rid1), done(5, rid1), done(6, rid1), fail(7, rid1), begin(8, rid1)},
			1, 5, -1, -1, 4, 1, 0, 0, 0,
		},
		"twice without an id":     {[]event{done(5, ""), done(5, "")}, -1, 5, -1, -1, -1, 2, 0, 0, 0},
		"an end before its start": {[]event{done(5, rid1), begin(4, rid1)}, -1, 5, -1, -1, -1, 1, 0, 0, 0},
		"a clock set back":        {[]event{begin(9, rid1), done(5, rid1)}, 9, 5, -1, -1, -1, 1, 0, 0, 0},
		// A report that comes late changes nothing that is newer.
		"an old failure": {[]event{done(9, ""), fail(5, "")}, -1, 9, 5, -1, -1, 1, 1, 0, 0},
		"an old success": {[]event{fail(9, ""), done(5, "")}, -1, 5, 9, -1, -1, 1, 1, 0, 0},
		"times of its own": {
			[]event{{kind: succeeded, at: minute(9), began: minute(2), rid: rid1}}, 2, 9, -1, -1, 7, 1, 0, 0, 0,
		},
		"a duration of its own": {[]event{{kind: succeeded, at: minute(9), took: time.Minute}}, -1, 9, -1, -1, 1, 1, 0, 0, 0},
		"seen": {
			[]event{
				{kind: succeeded, at: minute(3), seen: true},
				{kind: succeeded, at: minute(3), seen: true},
				{kind: succeeded, at: minute(2), seen: true},
				{kind: succeeded, at: minute(4), seen: true},
			}, -1, 4, -1, -1, -1, 2, 0, 0, 0,
		},
	} {
		r := applied(c.events...)
		for what, is := range map[string]struct {
			got  time.Time
			want int
		}{
			"start": {r.Start, c.start}, "success": {r.Success, c.success}, "failure": {r.Failure, c.failure},
			"silence": {r.silent(), c.silent},
		} {
			if is.want < 0 && !is.got.IsZero() || is.want >= 0 && !is.got.Equal(minute(is.want)) {
				t.Errorf("%s: the %s is at %s, want minute %d", name, what, is.got, is.want)
			}
		}
		if want := c.duration * 60; r.Duration != want && (r.Duration >= 0 || c.duration >= 0) {
			t.Errorf("%s: it took %v s, want %v", name, r.Duration, want)
		}
		if r.Succeeded != c.succeeded || r.Failed != c.failed || r.Unfinished != c.unfinished || len(r.Open) != c.open {
			t.Errorf("%s: %d succeeded, %d failed, %d unfinished, %d in progress", name, r.Succeeded, r.Failed,
				r.Unfinished, len(r.Open))
		}
		if failing := c.failure > c.success; r.failing() != failing || failing != (r.Output != "") {
			t.Errorf("%s: failing is %t, its output %q", name, r.failing(), r.Output)
		}
	}
}

// What is remembered is bounded, and a record that was applied is never changed.
func TestRecordIsBounded(t *testing.T) {
	r := newRecord("", day0)
	for i := range 3 * maxOpen {
		r = r.apply(begin(i, rid1[:34]+string(rune('a'+i/10))+string(rune('0'+i%10))))
	}
	if len(r.Open) != maxOpen || r.Unfinished != 2*maxOpen {
		t.Errorf("%d runs in progress, %d unfinished", len(r.Open), r.Unfinished)
	}
	before := *r
	open, buckets := slices.Clone(r.Open), slices.Clone(r.Buckets)
	after := r
	for i := range 2 * maxEnded {
		after = after.apply(done(100+i, rid2[:33]+string(rune('a'+i/26))+string(rune('a'+i%26))+"0"))
	}
	after.apply(done(300, r.Open[0].RID))
	if len(after.Ended) != maxEnded {
		t.Errorf("%d ended", len(after.Ended))
	}
	if r.Succeeded != before.Succeeded || !slices.Equal(r.Open, open) || !slices.Equal(r.Buckets, buckets) {
		t.Error("a record was changed")
	}
}

// Times that a clock which was set back has left in the future would hide that a run is missed.
func TestSane(t *testing.T) {
	r := applied(begin(90, rid1), done(100, ""), fail(99, ""))
	now := minute(30)
	s := r.sane(now)
	if !s.Success.Equal(now) || !s.Failure.Equal(now) || !s.Start.Equal(now) || !r.Success.Equal(minute(100)) {
		t.Errorf("%+v", s)
	}
	if r.sane(minute(100)) != r {
		t.Error("times of the past were changed")
	}
}
