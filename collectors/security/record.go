package security

import "time"

// forgetAfter is how long a finding is remembered that is not reported any more: a scanner whose database was
// incomplete for a day does not make it young.
const forgetAfter = 14 * 24 * time.Hour

// maxRecorded bounds the findings of a scan that are remembered.
const maxRecorded = 2 * maxFindings

// record is what is kept of a scan across restarts.
type record struct {
	// Seen are findings by key.
	Seen map[string]*appearance `json:"seen"`
	// Scanned is when each report's newest good scan was made.
	Scanned map[string]time.Time `json:"scanned"`
}

// appearance is when a finding was first and last reported here.
type appearance struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

func newRecord() *record {
	return &record{Seen: map[string]*appearance{}, Scanned: map[string]time.Time{}}
}

// note notes the findings of now.
func (r *record) note(findings []finding, now time.Time) {
	for _, f := range findings {
		key := f.key()
		switch s := r.Seen[key]; {
		case s != nil:
			s.Last = now
		case len(r.Seen) < maxRecorded:
			r.Seen[key] = &appearance{now, now}
		}
	}
	for key, s := range r.Seen {
		if now.Sub(s.Last) > forgetAfter {
			delete(r.Seen, key)
		}
	}
}

// first returns when a finding was first reported; now, if there are too many to remember.
func (r *record) first(f finding, now time.Time) time.Time {
	if s := r.Seen[f.key()]; s != nil {
		return s.First
	}
	return now
}

// complete makes a record usable that was read from a disk.
func (r *record) complete(now time.Time) {
	if r.Seen == nil {
		r.Seen = map[string]*appearance{}
	}
	if r.Scanned == nil {
		r.Scanned = map[string]time.Time{}
	}
	for key, s := range r.Seen {
		if s == nil || s.First.IsZero() || s.First.After(now) || len(r.Seen) > maxRecorded {
			delete(r.Seen, key)
		}
	}
	for name, at := range r.Scanned {
		if at.After(now) {
			delete(r.Scanned, name)
		}
	}
}
