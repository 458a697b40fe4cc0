package rules

import (
	"fmt"
	"maps"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Shadow labels every alert of a bundle, so that it can run beside the alerting that is in force and reach
// nobody whom that reaches. Records stay as they are; their names are nobody else's.
func (b Bundle) Shadow() (Bundle, error) {
	out := Bundle{text: map[string][]byte{}}
	for _, f := range b.files {
		shadowed := File{Name: f.Name}
		for _, g := range f.Groups {
			rules := make([]Rule, len(g.Rules))
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
		text, err := render(shadowed)
		if err != nil {
			return Bundle{}, fmt.Errorf("%s: %w", f.Name, err)
		}
		out.files = append(out.files, shadowed)
		out.text[f.Name] = text
	}
	return out, nil
}
