package security

import "time"

// class is what findings are counted by.
type class struct {
	severity string
	fixable  bool
}

// tally is a number of findings, and when the oldest was first reported.
type tally struct {
	n      int
	oldest time.Time
}

func (t tally) with(at time.Time) tally {
	if t.oldest.IsZero() || at.Before(t.oldest) {
		t.oldest = at
	}
	t.n++
	return t
}

// tallies are the findings of an artefact, counted when they are read, not when they are scraped.
type tallies struct {
	all       map[class]tally
	exploited map[bool]tally // by whether they can be fixed
}

// count counts the findings of an artefact, whose record has noted them.
func (a *artefact) count(r *record, now time.Time) {
	t := tallies{map[class]tally{}, map[bool]tally{}}
	for _, f := range a.findings {
		first, c := r.first(f, now), class{f.Severity, f.Fixable}
		t.all[c] = t.all[c].with(first)
		if f.Exploited {
			t.exploited[f.Fixable] = t.exploited[f.Fixable].with(first)
		}
	}
	a.tallies = t
}
