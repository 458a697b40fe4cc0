package rules

import (
	"fmt"
	"maps"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Shadow returns the bundle with the shadow label on every alert. It can run beside the alerting in force without
// notifying the same people. Records are unchanged, because no other rules use their names.
func (b Bundle) Shadow() (Bundle, error) {
	out := Bundle{text: map[string][]byte{}}
	for _, f := range b.files {
		shadowed := rule.File{Name: f.Name}
		for _, g := range f.Groups {
			rules := make([]rule.Rule, len(g.Rules))
			for i, r := range g.Rules {
				if r.Alert != nil {
					r.Labels = maps.Clone(r.Labels)
					r.Labels[metric.LabelShadow] = metric.ShadowTrue
				}
				rules[i] = r
			}
			g.Rules = rules
			shadowed.Groups = append(shadowed.Groups, g)
		}
		text, err := rule.Render(shadowed)
		if err != nil {
			return Bundle{}, fmt.Errorf("%s: %w", f.Name, err)
		}
		out.files = append(out.files, shadowed)
		out.text[f.Name] = text
	}
	return out, nil
}
