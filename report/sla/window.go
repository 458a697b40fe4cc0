package sla

import (
	"cmp"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/maintenance"
	"github.com/thorbis/thorbis_exporter/report"
)

// Window is one time of planned work in a month, and whether the contract leaves it out.
type Window struct {
	Name string `json:"name"`
	Span
	// Announced is when the customers were notified, nil where the policy does not say.
	Announced *time.Time     `json:"announced"`
	Notice    *report.Length `json:"notice_seconds"` // before its begin
	Excluded  report.Length  `json:"excluded_seconds"`
	// Reason is why not all of it is left out, empty where it is.
	Reason string `json:"reason,omitempty"`

	parts spans // that are left out
}

// Why a window counts in full or in part.
const (
	reasonNotAnnounced = "its announcement is not in the policy (maintenance.announced)"
	reasonShortNotice  = "it was announced too late"
	reasonCap          = "the month's maintenance_cap was used up"
)

// windows returns the planned work on a check within a span, and what the contract leaves out of it: windows that were
// announced in time, the earliest first, until the cap is reached.
func windows(p *config.Policy, all []*maintenance.Window, c *config.Check, tenant string, in Span) []*Window {
	var list []*Window
	for _, w := range all {
		if !w.CoversCheck(c, tenant) {
			continue
		}
		for _, o := range w.Between(in.From, in.To) {
			one := &Window{Name: w.Name, Span: Span{o.From, o.To}}
			if at := w.Announced.Time; !at.IsZero() {
				notice := report.Length(o.From.Sub(at))
				one.Announced, one.Notice = &at, &notice
			}
			list = append(list, one)
		}
	}
	slices.SortStableFunc(list, func(a, b *Window) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Name, b.Name))
	})
	left := p.SLA.MaintenanceCap.Std()
	var used spans
	for _, w := range list {
		if w.Reason = excuse(p, w); w.Reason != "" {
			continue
		}
		w.parts = spans{w.clip(in)}.without(used)
		if p.SLA.MaintenanceCap > 0 {
			if whole := w.parts.length(); whole > left {
				w.parts, w.Reason = w.parts.first(left), reasonCap
			}
			left -= w.parts.length()
		}
		w.Excluded = report.Length(w.parts.length())
		used = union(append(w.parts, used...)...)
	}
	return list
}

// excuse returns why a window is not left out, empty if it is.
func excuse(p *config.Policy, w *Window) string {
	switch need := p.SLA.MaintenanceNotice.Std(); {
	case need == 0:
	case w.Notice == nil:
		return reasonNotAnnounced
	case time.Duration(*w.Notice) < need:
		return reasonShortNotice
	}
	return ""
}

// first returns the earliest part of the spans that is so long.
func (a spans) first(length time.Duration) spans {
	var out spans
	for _, s := range a {
		if s.Length() > length {
			s.To = s.From.Add(length)
		}
		if s.Length() > 0 {
			out = append(out, s)
		}
		length -= s.Length()
	}
	return out
}
