package rule

import (
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// TestConditions checks that the alerts of conditions leave out exactly the lines of the table that the rules can
// read. All other alerts are hidden by generated expressions.
func TestConditions(t *testing.T) {
	for target, by := range conditions {
		var lines []*metric.Alert
		for _, h := range metric.HiddenBy(target) {
			lines = append(lines, h.Source)
			signal, seen := signals[h.Source]
			if seen && signal(Rule{Alert: target, Priority: "P1"}) != "" && by[h.Source] == nil {
				t.Errorf("%s is hidden by %s, which its condition does not know of", target.Name, h.Source.Name)
			}
		}
		for source := range by {
			if !slices.Contains(lines, source) {
				t.Errorf("%s leaves out %s, which the table does not say", target.Name, source.Name)
			}
		}
	}
}
