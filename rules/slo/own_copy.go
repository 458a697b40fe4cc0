package slo

import (
	"fmt"
	"slices"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// ownCopies are the selectors that the rates of one of the policy's own objectives read. Each is copied at every
// evaluation, so that a step is what was gained since the copy before, however long ago that was.
type ownCopies struct {
	objective string
	all       []ownCopy
}

type ownCopy struct {
	selector, name string
	stepped        bool // its steps are recorded: they are numbers, not histograms
}

func copiesOf(p *config.Policy, s *config.SLO) *ownCopies {
	return &ownCopies{objective: p.Environment + "/" + s.AppService + "/" + s.Name}
}

// of returns the copy of what a selector selects.
func (c *ownCopies) of(selector string) *ownCopy {
	i := slices.IndexFunc(c.all, func(o ownCopy) bool { return o.selector == selector })
	if i < 0 {
		i = len(c.all)
		c.all = append(c.all, ownCopy{selector: selector, name: fmt.Sprintf("%s/%d", c.objective, i)})
	}
	return &c.all[i]
}

func (o *ownCopy) matcher() string { return fmt.Sprintf("%s=%q", metric.LabelCopy, o.name) }

func (o *ownCopy) names() rule.Names {
	seen := metric.OwnSeen.Select(o.matcher())
	return rule.Names{"seen": seen, "before": rule.BeforeOf(seen), "count": linear[0]}
}

// rules write the copies, and the steps that are not histograms: all of a counter after a reset, nothing of the first
// copy, and nothing of a value that is not a finite number or follows one.
func (c *ownCopies) rules() []rule.Rule {
	var all []rule.Rule
	for _, o := range c.all {
		labels := map[string]string{metric.LabelCopy: o.name}
		all = append(all, rule.Rule{Record: metric.OwnSeen, Labels: labels, Expr: o.selector})
		if o.stepped {
			all = append(all, rule.Rule{
				Record: metric.OwnStep, Labels: labels,
				Expr: rule.Expand(`
					($seen < Inf) - $before >= 0
					or
					($seen < Inf) and $before < Inf`, o.names()),
			})
		}
	}
	return all
}

// step is what the copies of a selector have gained. function is that of native histograms that is taken of them, or
// empty.
func (c *ownCopies) step(selector, function string) string {
	o := c.of(selector)
	n := o.names()
	n["of"] = function
	text := `clamp_min($of($seen) - $of($before), 0)`
	switch function {
	case "":
		o.stepped, text = true, metric.OwnStep.Select(o.matcher())
	case histogramFraction: // of the difference of two histograms, where there is one
		text = `$seen - $before and $count($seen) - $count($before) > 0`
	}
	return rule.Expand(`label_replace(`+text+`, "`+metric.LabelCopy+`", "", "", "")`, n)
}
