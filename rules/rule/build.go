package rule

import (
	"fmt"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// finish restricts the expressions of a group to the environment, has one series chosen where a match needs one, checks
// and formats them. It adds an owner to the alerts on the monitoring itself, which belongs to no service.
func finish(g Group, sc Scope) error {
	for i := range g.Rules {
		r := &g.Rules[i]
		text, err := sc.Restrict(r.Expr)
		if err == nil {
			text, err = OneEach(text)
		}
		if err == nil {
			text, err = format(text)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.Name(), err)
		}
		r.Expr = text
		if r.Alert == nil || r.Alert.Page {
			continue
		}
		r.Labels[metric.LabelOwner] = r.Alert.Owner
	}
	return nil
}

// BuildFile returns the file of a subject as it is written: with the labels and URLs of alerts, what hides them, and
// the environment in each selector.
func BuildFile(s Subject, p *config.Policy, sc Scope) (File, error) {
	groups, err := s.Groups(p)
	if err != nil {
		return File{}, err
	}
	decorate(groups, p)
	for _, g := range groups {
		hide(g)
		if err := finish(g, sc); err != nil {
			return File{}, fmt.Errorf("%s: group %s: %w", s.File, g.Name, err)
		}
	}
	return File{Name: s.File, Groups: groups}, nil
}
