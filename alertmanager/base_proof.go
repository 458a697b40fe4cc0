package alertmanager

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// prove parses the result and compares it with what it must contain. That is the base file and, in each list, the
// bundle's entries before those of the file. Some ways to write YAML leave no place for lines to insert.
func prove(base, out []byte, all []section) error {
	var want, got any
	if err := yaml.Unmarshal(base, &want); err != nil {
		return err
	}
	if err := yaml.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("the bundle cannot be inserted: %w; %s", err, writePlainly)
	}
	root, ok := want.(map[string]any)
	if !ok {
		return fmt.Errorf("the bundle cannot be inserted: the configuration is not a mapping; %s", writePlainly)
	}
	for _, s := range all {
		if err := put(root, s); err != nil {
			return err
		}
	}
	if where := difference("", want, got); where != "" {
		return fmt.Errorf("the bundle cannot be inserted: %s would not be what it has to be; %s", where, writePlainly)
	}
	return nil
}

// writePlainly is the cure for a file into which nothing can be inserted.
const writePlainly = "write the file as key: value lines and lists with dashes, indented by spaces, without anchors, " +
	"aliases and merge keys (<<)"

// put adds the entries of a section to a parsed configuration.
func put(root map[string]any, s section) error {
	text, err := yaml.Marshal(s.items)
	if err != nil {
		return err
	}
	var items []any
	if err := yaml.Unmarshal(text, &items); err != nil {
		return err
	}
	parent := root
	for _, key := range s.path[:len(s.path)-1] {
		child, ok := parent[key].(map[string]any)
		if !ok {
			return fmt.Errorf("%s must be a mapping", key)
		}
		parent = child
	}
	name := s.path[len(s.path)-1]
	theirs, _ := parent[name].([]any)
	parent[name] = slices.Concat(items, theirs)
	return nil
}

// difference names the first place in which two parsed files differ; empty if they are the same.
func difference(path string, want, got any) string {
	a, ok := want.(map[string]any)
	b, also := got.(map[string]any)
	if ok && also {
		keys := map[string]bool{}
		for key := range a {
			keys[key] = true
		}
		for key := range b {
			keys[key] = true
		}
		for _, key := range sorted(keys) {
			if where := difference(strings.TrimPrefix(path+"."+key, "."), a[key], b[key]); where != "" {
				return where
			}
		}
		return ""
	}
	x, ok := want.([]any)
	y, also := got.([]any)
	if ok && also && len(x) == len(y) {
		for i := range x {
			if where := difference(fmt.Sprintf("%s[%d]", path, i), x[i], y[i]); where != "" {
				return where
			}
		}
		return ""
	}
	if reflect.DeepEqual(want, got) {
		return ""
	}
	if path == "" {
		return "the file"
	}
	return path
}

func sorted(keys map[string]bool) []string {
	var all []string
	for key := range keys {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

// indirection refuses what makes a list more than its own lines: an entry that is inserted would be lost, or be in
// another list too.
func indirection(parent, key, value *yaml.Node, name string) error {
	for i := 0; i+1 < len(parent.Content); i += 2 {
		if parent.Content[i].Tag == "!!merge" {
			return fmt.Errorf("line %d: a merge key (<<) beside %s; write its keys out", parent.Content[i].Line, name)
		}
	}
	switch {
	case value == nil:
	case value.Kind == yaml.AliasNode:
		return fmt.Errorf("line %d: %s is an alias (*%s); write the list out", key.Line, name, value.Value)
	case value.Anchor != "":
		return fmt.Errorf("line %d: %s has an anchor (&%s), whose aliases would get the bundle's entries too; remove it",
			key.Line, name, value.Anchor)
	}
	return nil
}
