package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Setting is a value of a policy that is in force.
type Setting struct {
	Path  string `json:"path"`  // such as health.checks[1].interval
	Value any    `json:"value"` // a bool, a number, a text, or a list of them
	// Source is where the value stands, as file:line. What is not written has a default.
	Source string `json:"source"`

	keys []string // of the path, places in lists as [0]
}

// DefaultSource is the source of a value that is not written: the default of its key, or what it inherits.
const DefaultSource = "default"

// Effective lists the values of a policy in force, sections in the order in which they are documented. What is neither
// written nor has a default is left out. Of secrets there are only the names of the files and variables that hold them;
// an address may contain a password, which the caller must mask (MaskPasswords).
func (p *Policy) Effective() []Setting {
	var all []Setting
	all = p.effective(all, reflect.ValueOf(p).Elem(), nil)
	for _, s := range sections {
		all = p.effective(all, s.value(p), []string{s.name()})
	}
	return all
}

func (p *Policy) effective(all []Setting, v reflect.Value, keys []string) []Setting {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return all
		}
		v = v.Elem()
	}
	if word, ok := p.word(v); ok {
		return p.setting(all, keys, word, true)
	}
	_, text := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	switch {
	case v.Kind() == reflect.Struct && len(fieldsOf(v)) > 0:
		for field := range v.Type().Fields() {
			if key := field.Tag.Get("yaml"); key != "" && key != "-" {
				all = p.effective(all, v.FieldByIndex(field.Index), append(slices.Clip(keys), key))
			}
		}
	case text || v.Kind() != reflect.Map && v.Kind() != reflect.Slice:
		return p.setting(all, keys, scalar(v), !v.IsZero())
	case v.Kind() == reflect.Map:
		for _, key := range sortedStrings(v) {
			elem := reflect.New(v.Type().Elem()).Elem() // which can be addressed
			elem.Set(v.MapIndex(reflect.ValueOf(key)))
			all = p.effective(all, elem, append(slices.Clip(keys), key))
		}
	case len(fieldsOfType(v.Type().Elem())) == 0:
		var values []any
		for i := range v.Len() {
			values = append(values, scalar(v.Index(i)))
		}
		return p.setting(all, keys, values, v.Len() > 0)
	default:
		for i := range v.Len() {
			all = p.effective(all, v.Index(i), append(slices.Clip(keys), fmt.Sprintf("[%d]", i)))
		}
	}
	return all
}

// word returns the word that stands in the place of a mapping.
func (p *Policy) word(v reflect.Value) (string, bool) {
	switch one := v.Interface().(type) {
	case Channel:
		return "none", one.None
	case FailedIf:
		return "rollback", one.Rollback
	}
	return "", false
}

// setting adds a value, unless it is nothing and is not written.
func (p *Policy) setting(all []Setting, keys []string, value any, set bool) []Setting {
	path := strings.ReplaceAll(strings.Join(keys, "."), ".[", "[")
	source := DefaultSource
	if pos, ok := p.positions[path]; ok {
		source = fmt.Sprintf("%s:%d", pos.file, pos.line)
	} else if !set {
		return all
	}
	return append(all, Setting{path, value, source, keys})
}

// scalar returns a value as the policy would be written with it.
func scalar(v reflect.Value) any {
	if size, ok := reflect.TypeAssert[Bytes](v); ok {
		if n := int64(size); n > 0 && n%1e6 == 0 && n%(1<<20) != 0 {
			return fmt.Sprintf("%dMB", n/1e6)
		}
		return size.String()
	}
	var out any
	text, err := yaml.Marshal(v.Interface())
	if err == nil {
		err = yaml.Unmarshal(text, &out)
	}
	if m, ok := reflect.TypeAssert[yaml.Marshaler](v); ok && err == nil {
		if written, err := m.MarshalYAML(); err == nil {
			return written
		}
	}
	return out
}

func sortedStrings(m reflect.Value) []string {
	keys := map[string]bool{}
	for _, key := range m.MapKeys() {
		keys[key.String()] = true
	}
	return sortedKeys(keys)
}

func fieldsOfType(t reflect.Type) map[string]reflect.Value {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return fieldsOf(reflect.New(t).Elem())
}

// WriteEffective writes settings as a policy, each value with its source behind it.
func WriteEffective(settings []Setting) string {
	type line struct{ text, source string }
	var lines []line
	var open []string // the keys above the line
	width := 0
	for _, s := range settings {
		parts := s.keys
		same := 0
		for same < len(open) && same < len(parts)-1 && open[same] == parts[same] {
			same++
		}
		dash := ""
		for i, part := range parts {
			if i < same {
				continue
			}
			indent := strings.Repeat("  ", i)
			if strings.HasPrefix(part, "[") {
				dash = indent + "- "
				continue
			}
			text := indent + flow(part) + ":"
			if dash != "" {
				text, dash = dash+flow(part)+":", ""
			}
			if i == len(parts)-1 {
				text += " " + flow(s.Value)
				lines = append(lines, line{text, s.Source})
				width = max(width, min(len(text), 60))
				continue
			}
			lines = append(lines, line{text, ""})
		}
		if dash != "" { // an item that is a single value
			lines = append(lines, line{dash + flow(s.Value), s.Source})
		}
		open = parts[:len(parts)-1]
	}
	var b strings.Builder
	for _, l := range lines {
		if l.source == "" {
			fmt.Fprintln(&b, l.text)
			continue
		}
		fmt.Fprintf(&b, "%-*s  # %s\n", width, l.text, l.source)
	}
	return b.String()
}

// flow writes a value on one line of YAML.
func flow(value any) string {
	node := &yaml.Node{}
	if err := node.Encode(value); err != nil {
		return ""
	}
	node.Style = yaml.FlowStyle
	if node.Kind == yaml.ScalarNode {
		node.Style = 0
		if strings.Contains(node.Value, "\n") {
			node.Style = yaml.DoubleQuotedStyle
		}
	}
	text, err := yaml.Marshal(node)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
