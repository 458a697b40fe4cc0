package alertmanager

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/alertmanager/amconfig"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// basePrefix keeps our receivers and time intervals apart from those of the file that they join.
const basePrefix = "thorbis-"

// Insert adds the bundle's routes to an existing Alertmanager configuration and keeps every byte of that file. The
// bundle's tree becomes the first child route, for alerts of the bundle only. Receivers, inhibition rules, time
// intervals and templates are added to the lists of the file. Insert adds whole lines only.
func Insert(base []byte, p *config.Policy) ([]byte, error) {
	return insert(base, assemble(p), matcher(metric.LabelBundle, metric.BundleThorbis))
}

// byteOrderMark may begin a file that was written on Windows.
var byteOrderMark = []byte("\ufeff")

// insert adds a configuration to a base file as its first child route, for alerts that match the matchers. It parses
// the result and compares it with what the result must contain.
func insert(base []byte, ours file, matchers ...string) ([]byte, error) {
	if rest, ok := bytes.CutPrefix(base, byteOrderMark); ok {
		out, err := insert(rest, ours, matchers...)
		if err != nil {
			return nil, err
		}
		return slices.Concat(byteOrderMark, out), nil
	}
	if bytes.Contains(base, []byte(basePrefix+nullReceiver)) {
		return nil, fmt.Errorf("the bundle is in it already (%s%s); give the file as it is without", basePrefix, nullReceiver)
	}
	if _, err := amconfig.Load(base); err != nil {
		return nil, refusal(base, err)
	}
	root, err := rootOf(base)
	if err != nil {
		return nil, err
	}
	b := baseFile{lines: bytes.SplitAfter(base, []byte("\n")), before: map[int][]byte{}, newline: []byte("\n")}
	if bytes.HasSuffix(b.lines[0], []byte("\r\n")) {
		b.newline = []byte("\r\n")
	}
	ours.Route.Matchers = matchers
	all := sections(ours)
	for _, s := range all {
		if err := b.insert(root, s); err != nil {
			return nil, err
		}
	}
	out := b.bytes()
	if err := prove(base, out, all); err != nil {
		return nil, err
	}
	if _, err := amconfig.Load(out); err != nil {
		return nil, fmt.Errorf("it and the bundle do not go together: %w", err)
	}
	return out, nil
}

// refusal returns an error that explains how to mend a base file that Alertmanager's own code rejects.
func refusal(base []byte, err error) error {
	cure := ""
	for i, line := range bytes.Split(base, []byte("\n")) {
		if indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]; bytes.ContainsRune(indent, '\t') {
			cure = fmt.Sprintf("; line %d is indented by a tab: use spaces", i+1)
			break
		}
	}
	if cure == "" && strings.Contains(err.Error(), "not found in type") {
		cure = "; a key of a newer Alertmanager than this program reads (0.34) cannot be checked: " +
			"use a newer thorbis_mixin, or leave the key out"
	}
	return fmt.Errorf("the base file is refused as it is: %w%s", err, cure)
}

// section is a list of the base file and the items to add to it.
type section struct {
	path  []string // of keys from the root
	items []any
}

// sections returns the items of the bundle's configuration to add to each list. Receivers and time intervals get
// basePrefix, which keeps them apart from those of the base file.
func sections(ours file) []section {
	tree := ours.Route
	prefix(&tree)
	all := []section{
		{path: []string{"route", "routes"}, items: []any{tree}},
		{path: []string{"inhibit_rules"}},
		{path: []string{"time_intervals"}},
		{path: []string{"receivers"}},
		{path: []string{"templates"}},
	}
	for _, i := range ours.InhibitRules {
		all[1].items = append(all[1].items, i)
	}
	for _, i := range ours.TimeIntervals {
		i.Name = basePrefix + i.Name
		all[2].items = append(all[2].items, i)
	}
	for _, r := range ours.Receivers {
		r.Name = basePrefix + r.Name
		all[3].items = append(all[3].items, r)
	}
	for _, t := range ours.Templates {
		all[4].items = append(all[4].items, t)
	}
	return slices.DeleteFunc(all, func(s section) bool { return len(s.items) == 0 })
}

func prefix(r *route) {
	if r.Receiver != "" {
		r.Receiver = basePrefix + r.Receiver
	}
	r.ActiveTimeIntervals = slices.Clone(r.ActiveTimeIntervals)
	for i := range r.ActiveTimeIntervals {
		r.ActiveTimeIntervals[i] = basePrefix + r.ActiveTimeIntervals[i]
	}
	r.Routes = slices.Clone(r.Routes)
	for i := range r.Routes {
		prefix(&r.Routes[i])
	}
}

func rootOf(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	var more yaml.Node
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("a second document follows (---); Alertmanager reads the first only, so remove the others")
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0 {
		return nil, fmt.Errorf("line %d: write the configuration as key: value lines, without braces", root.Line)
	}
	return root, nil
}

// baseFile is a text in lines and what goes before each of them; the line after the last stands for the end.
type baseFile struct {
	lines   [][]byte
	before  map[int][]byte // by index
	newline []byte         // as the file ends its lines
}

// end is where a key of the root is added: after the last line of the document, which three dots may end.
func (b *baseFile) end() int {
	for i, line := range b.lines {
		if rest, ok := bytes.CutPrefix(line, []byte("...")); ok &&
			(len(rest) == 0 || bytes.ContainsAny(rest[:1], " \t\r\n")) {
			return i
		}
	}
	return len(b.lines)
}

func (b *baseFile) bytes() []byte {
	var out bytes.Buffer
	for i, line := range b.lines {
		out.Write(b.before[i])
		out.Write(line)
	}
	if tail := b.before[len(b.lines)]; len(tail) > 0 {
		if text := out.Bytes(); len(text) > 0 && text[len(text)-1] != '\n' {
			out.Write(b.newline)
		}
		out.Write(tail)
	}
	return out.Bytes()
}

// insert puts the items of a section right below its key, or writes the key where there is none.
func (b *baseFile) insert(root *yaml.Node, s section) error {
	parent := root
	for _, key := range s.path[:len(s.path)-1] {
		k, value := pair(parent, key)
		if k != nil && value.Kind == yaml.AliasNode {
			return fmt.Errorf("line %d: %s is an alias (*%s); write it out", k.Line, key, value.Value)
		}
		if value == nil || value.Kind != yaml.MappingNode || value.Style&yaml.FlowStyle != 0 {
			return fmt.Errorf("%s must be written as key: value lines, without braces", key)
		}
		parent = value
	}
	name := s.path[len(s.path)-1]
	key, value := pair(parent, name)
	if err := indirection(parent, key, value, strings.Join(s.path, ".")); err != nil {
		return err
	}
	switch {
	case key == nil && parent == root:
		return b.add(b.end(), name, root.Column-1, s.items)
	case key == nil:
		// A mapping below a key begins in a line of its own, unless it is a list item's.
		return b.add(parent.Line-1, name, parent.Column-1, s.items)
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null" && value.Value == "":
		return b.list(key.Line, key.Column+1, s.items)
	case value.Kind != yaml.SequenceNode || value.Style&yaml.FlowStyle != 0 || value.Line == key.Line:
		return fmt.Errorf("line %d: %s must be a list with a line for each item, dashes below the key", key.Line,
			strings.Join(s.path, "."))
	}
	return b.list(key.Line, value.Column-1, s.items)
}

// add writes a key with its list before a line.
func (b *baseFile) add(index int, name string, indent int, items []any) error {
	head := []byte(strings.Repeat(" ", indent) + name + ":" + string(b.newline))
	b.before[index] = append(b.before[index], head...)
	return b.list(index, indent+2, items)
}

// list writes items before a line, their dashes so far from the margin.
func (b *baseFile) list(index, indent int, items []any) error {
	var text bytes.Buffer
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	if err := e.Encode(items); err != nil {
		return err
	}
	for line := range bytes.SplitAfterSeq(text.Bytes(), []byte("\n")) {
		if len(bytes.TrimSpace(line)) > 0 {
			line = slices.Concat([]byte(strings.Repeat(" ", indent)), bytes.TrimSuffix(line, []byte("\n")), b.newline)
		}
		b.before[index] = append(b.before[index], line...)
	}
	return nil
}

func pair(n *yaml.Node, name string) (key, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}
