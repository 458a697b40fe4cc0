// Package change says in words what a change of the policy alters: its values, the alerts, and who is paged.
package change

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/alertmanager"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/mixin/paging"
	"github.com/thorbis/thorbis_exporter/mixin/routetest"
	"github.com/thorbis/thorbis_exporter/rules"
)

// The kinds of a change, in the order in which they are written.
const (
	Value  = "value"  // of the policy, defaults included
	Alert  = "alert"  // one more, or one less
	Rule   = "rule"   // what an alert or a record is made of
	Paging = "paging" // who is notified of what at which hours
)

var titles = []struct{ kind, title string }{
	{Value, "values of the policy, with defaults"}, {Alert, "alerts"}, {Rule, "rules"}, {Paging, "who is notified"},
}

// Change is one difference. Before is empty for what is new, After for what is gone.
type Change struct {
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	Before  string `json:"before,omitempty"`
	After   string `json:"after,omitempty"`
}

// Between returns the differences of two policies, ordered by kind and subject.
func Between(before, after *config.Policy) ([]Change, error) {
	changes := compare(Value, valuesOf(before), valuesOf(after))
	oldBundle, err := rules.Build(before)
	if err != nil {
		return nil, err
	}
	newBundle, err := rules.Build(after)
	if err != nil {
		return nil, err
	}
	changes = append(changes, alertChanges(oldBundle, newBundle)...)
	changes = append(changes, compareBoth(Rule, partsOf(oldBundle, before), partsOf(newBundle, after))...)
	paged, err := pagingChanges(before, after)
	return append(changes, paged...), err
}

// compare lists the keys of which two maps have different values.
func compare(kind string, before, after map[string]string) []Change {
	keys := slices.Collect(maps.Keys(before))
	for key := range after {
		if _, ok := before[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var changes []Change
	for _, key := range keys {
		if before[key] != after[key] {
			changes = append(changes,
				Change{kind, key, config.MaskPasswords(before[key]), config.MaskPasswords(after[key])})
		}
	}
	return changes
}

// compareBoth is compare without what only one side has.
func compareBoth(kind string, before, after map[string]string) []Change {
	return slices.DeleteFunc(compare(kind, before, after), func(c Change) bool {
		_, was := before[c.Subject]
		_, is := after[c.Subject]
		return !was || !is
	})
}

var placeRE = regexp.MustCompile(`\[\d+\]`)

// valuesOf returns the values of a policy by path. Items of lists go by their name, so that one more does not change
// those behind it.
func valuesOf(p *config.Policy) map[string]string {
	settings := p.Effective()
	names := map[string]string{} // by path of the item
	for _, s := range settings {
		item, key, _ := cutLast(s.Path)
		name := fmt.Sprint(s.Value)
		if key == "name" || key == "app_service" && names[item] == "" {
			names[item] = name
		}
	}
	dir := "" // of the policy; files are compared relative to it
	if files := p.Files(); len(files) > 0 {
		dir = filepath.Dir(files[0]) + string(filepath.Separator)
	}
	values := map[string]string{}
	for _, s := range settings {
		path, from := "", 0
		for _, place := range placeRE.FindAllStringIndex(s.Path, -1) {
			path += s.Path[from:place[0]]
			from = place[1]
			if name, ok := names[s.Path[:from]]; ok {
				path += "[" + name + "]"
			} else {
				path += s.Path[place[0]:from]
			}
		}
		values[path+s.Path[from:]] = strings.TrimPrefix(fmt.Sprint(s.Value), dir)
	}
	return values
}

func cutLast(path string) (before, after string, ok bool) {
	i := strings.LastIndex(path, ".")
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// alertChanges lists the alerts and priorities that only one side has.
func alertChanges(before, after rules.Bundle) []Change {
	of := func(b rules.Bundle) map[string]string {
		all := map[string]string{}
		for _, a := range b.Alerts() {
			all[strings.TrimSpace(a.Priority+" "+a.Name)] = "exists"
		}
		return all
	}
	return compare(Alert, of(before), of(after))
}

// partsOf returns what each rule is made of, by rule and part. Of several rules of one name and priority, the texts are
// put together. The hash of the policy, which changes with any of it, is left out.
func partsOf(b rules.Bundle, p *config.Policy) map[string]string {
	parts := map[string]string{}
	add := func(rule, part, text string) {
		key := rule + ": " + part
		text = strings.ReplaceAll(text, p.Hash(), "")
		if old, ok := parts[key]; ok {
			text = old + "\n" + text
		}
		parts[key] = text
	}
	for _, g := range b.Groups() {
		for _, r := range g.Rules {
			if r.Alert == nil {
				add("record "+r.Record.Name, "expression", r.Expr)
				continue
			}
			name := strings.TrimSpace(r.Priority + " " + r.Alert.Name)
			add(name, "condition", r.Expr)
			add(name, "for", config.Duration(r.For).String())
			add(name, "keep_firing_for", config.Duration(r.KeepFiringFor).String())
			for _, key := range slices.Sorted(maps.Keys(r.Annotations)) {
				add(name, key, r.Annotations[key])
			}
		}
	}
	return parts
}

// pagingChanges compares who is notified of each service's alerts at each priority, and of those that no service owns.
func pagingChanges(before, after *config.Policy) ([]Change, error) {
	was, err := notified(before)
	if err != nil {
		return nil, err
	}
	is, err := notified(after)
	if err != nil {
		return nil, err
	}
	return compare(Paging, was, is), nil
}

func notified(p *config.Policy) (map[string]string, error) {
	text, err := alertmanager.Build(p)
	if err != nil {
		return nil, err
	}
	tester, err := routetest.NewTester(text)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	add := func(subject string, labels map[string]string) error {
		week, err := paging.Of(tester, p, labels)
		if err != nil {
			return err
		}
		var spans []string
		for _, s := range week.Spans() {
			spans = append(spans, s.String())
		}
		all[subject] = strings.Join(spans, "; ")
		return nil
	}
	for _, priority := range config.Priorities {
		for _, s := range p.Services {
			if err := add(priority+" of service "+s.Name, paging.Labels(p, priority, s.Name, s.Owner)); err != nil {
				return nil, err
			}
		}
		labels := paging.Labels(p, priority, "", metric.OwnerPlatform)
		if err := add(priority+" of no service", labels); err != nil {
			return nil, err
		}
	}
	for _, layer := range config.Layers {
		labels := paging.Labels(p, config.Priorities[0], "", metric.OwnerPlatform)
		labels[metric.LabelLayer] = layer
		if err := add("escalation, layer "+layer, labels); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// maxText bounds what is written of a value in characters.
const maxText = 160

// Write prints changes for a person.
func Write(out io.Writer, changes []Change) {
	if len(changes) == 0 {
		fmt.Fprintln(out, "The policies mean the same.")
		return
	}
	for _, t := range titles {
		of := slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.Kind != t.kind })
		if len(of) == 0 {
			continue
		}
		slices.SortStableFunc(of, func(a, b Change) int { return cmp.Compare(a.Subject, b.Subject) })
		fmt.Fprintf(out, "%s:\n", t.title)
		for _, c := range of {
			fmt.Fprintf(out, "  %s\n", c)
		}
	}
}

// String writes a change as a sentence.
func (c Change) String() string {
	switch {
	case c.Kind == Alert && c.Before == "":
		return c.Subject + " is added"
	case c.Kind == Alert:
		return c.Subject + " is removed"
	case c.Before == "":
		return c.Subject + ": added: " + short(c.After)
	case c.After == "":
		return c.Subject + ": removed: " + short(c.Before)
	case len(c.Before)+len(c.After) > 2*maxText || strings.Contains(c.Before+c.After, "\n"):
		return c.Subject + " changes"
	}
	return fmt.Sprintf("%s: %s -> %s", c.Subject, c.Before, c.After)
}

func short(text string) string {
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText]) + "..."
	}
	return text
}
