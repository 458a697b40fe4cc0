package collectors

import (
	"sync"
	"time"
)

// Parts joins the reports of what a collector asks on its own schedule each, such as one server of several:
// as long as one of them fails, the collector does, however often the others succeed.
type Parts struct {
	report Report

	mu      sync.Mutex
	failing map[string]bool
}

// NewParts returns parts none of which has failed.
func NewParts(report Report) *Parts {
	return &Parts{report: report, failing: map[string]bool{}}
}

// Report returns where a part reports its rounds. Each failure is told, and so is each success while no other
// part is failing.
func (p *Parts) Report(part string) Report {
	return func(err error, d time.Duration) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if err != nil {
			p.failing[part] = true
		} else {
			delete(p.failing, part)
		}
		if err != nil || len(p.failing) == 0 {
			p.report(err, d)
		}
	}
}
