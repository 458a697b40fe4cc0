package sla

import (
	"slices"
	"time"
)

// Span is the time from one moment until another.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Length returns how long the span is, 0 for one that ends before it begins.
func (s Span) Length() time.Duration { return max(s.To.Sub(s.From), 0) }

// clip returns the part of a span within another, empty if there is none.
func (s Span) clip(in Span) Span {
	if s.From.Before(in.From) {
		s.From = in.From
	}
	if s.To.After(in.To) {
		s.To = in.To
	}
	if s.To.Before(s.From) {
		s.To = s.From
	}
	return s
}

// spans are spans in the order of time that do not touch each other.
type spans []Span

// union joins spans of any order.
func union(all ...Span) spans {
	all = slices.DeleteFunc(slices.Clone(all), func(s Span) bool { return s.Length() == 0 })
	slices.SortFunc(all, func(a, b Span) int { return a.From.Compare(b.From) })
	var out spans
	for _, s := range all {
		if n := len(out); n > 0 && !s.From.After(out[n-1].To) {
			if s.To.After(out[n-1].To) {
				out[n-1].To = s.To
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// within returns the parts of the spans within another one.
func (a spans) within(in Span) spans {
	var out spans
	for _, s := range a {
		if part := s.clip(in); part.Length() > 0 {
			out = append(out, part)
		}
	}
	return out
}

// lengthWithin returns how much of the spans is within another one.
func (a spans) lengthWithin(in Span) time.Duration {
	var sum time.Duration
	for _, s := range a {
		sum += s.clip(in).Length()
	}
	return sum
}

// touches reports whether any of the spans lies within another in part.
func (a spans) touches(in Span) bool {
	for _, s := range a {
		if s.From.Before(in.To) && s.To.After(in.From) {
			return true
		}
	}
	return false
}

// and returns the time that is in both.
func (a spans) and(b spans) spans {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	var out spans
	for _, s := range b {
		out = append(out, a.within(s)...)
	}
	return union(out...)
}

// without returns the time that is not in b.
func (a spans) without(b spans) spans {
	var out spans
	for _, s := range a {
		from := s.From
		for _, hole := range b {
			if !hole.To.After(from) || !hole.From.Before(s.To) {
				continue
			}
			if hole.From.After(from) {
				out = append(out, Span{from, hole.From})
			}
			from = hole.To
		}
		if from.Before(s.To) {
			out = append(out, Span{from, s.To})
		}
	}
	return out
}

func (a spans) length() time.Duration {
	var sum time.Duration
	for _, s := range a {
		sum += s.Length()
	}
	return sum
}
