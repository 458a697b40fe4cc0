package config

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds a policy after its aliases are followed, against alias bombs.
const maxNodes = 500_000

// maxErrors bounds what one load reports.
const maxErrors = 20

// errMore stands for the errors beyond maxErrors.
var errMore = errors.New("more errors are not shown: correct these first")

// Error is an error of the policy: where it is, and what to write instead.
type Error struct {
	File string
	Line int
	Path string // the key's path, such as health.checks[1].module
	Msg  string
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	}
	if e.Path != "" {
		fmt.Fprintf(&b, "%s: ", e.Path)
	}
	b.WriteString(e.Msg)
	return b.String()
}

// position is where a key stands.
type position struct {
	file string
	line int
}

// decoder fills a struct from YAML nodes, strictly: an unknown key, a value of the wrong kind or a key
// given twice is an error with its file and line. It records the position of every path for validation.
type decoder struct {
	fileOf    map[*yaml.Node]string // file of the nodes that start a file or were merged from one
	positions map[string]position
	errs      []error
	nodes     int
}

func (d *decoder) fail(file string, line int, path, format string, args ...any) {
	switch {
	case len(d.errs) < maxErrors:
		d.errs = append(d.errs, &Error{File: file, Line: line, Path: path, Msg: fmt.Sprintf(format, args...)})
	case len(d.errs) == maxErrors:
		d.errs = append(d.errs, errMore)
	}
}

// failAt reports an error at a path, or at the nearest parent that was written.
func (d *decoder) failAt(path, format string, args ...any) {
	pos := d.at(path)
	d.fail(pos.file, pos.line, path, format, args...)
}

func (d *decoder) at(path string) position {
	for p := path; ; p = parentPath(p) {
		if pos, ok := d.positions[p]; ok {
			return pos
		}
		if p == "" {
			return position{}
		}
	}
}

func parentPath(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// decodePolicy decodes the mapping at the top of a policy: its general keys and its sections.
func (d *decoder) decodePolicy(root *yaml.Node, p *Policy) {
	d.nodes++
	d.positions[""] = position{d.fileOf[root], root.Line}
	known := fieldsOf(reflect.ValueOf(p).Elem())
	for _, s := range sections {
		known[s.name()] = s.value(p)
	}
	d.decodeKeys(root, known, d.fileOf[root], "")
}

func (d *decoder) decode(node *yaml.Node, v reflect.Value, file, path string) {
	if f, ok := d.fileOf[node]; ok {
		file = f
	}
	d.nodes++
	if d.nodes > maxNodes {
		if d.nodes == maxNodes+1 {
			d.fail(file, node.Line, path, "the policy is too large (more than %d values): use fewer aliases or fewer values",
				maxNodes)
		}
		return
	}
	for depth := 0; node.Kind == yaml.AliasNode; depth++ {
		if depth > 100 {
			d.fail(file, node.Line, path, "invalid alias: it refers to itself; write the value here")
			return
		}
		node = node.Alias
	}
	if _, ok := d.positions[path]; !ok {
		d.positions[path] = position{file, node.Line}
	}
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	if ok && (node.Kind == yaml.ScalarNode || v.Kind() != reflect.Struct || len(fieldsOf(v)) == 0) {
		if node.Kind != yaml.ScalarNode {
			d.fail(file, node.Line, path, "invalid value: write a single value, not a %s", kindName(node.Kind))
			return
		}
		if err := u.UnmarshalText([]byte(node.Value)); err != nil {
			d.fail(file, node.Line, path, "%v", err)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.decodeStruct(node, v, file, path)
	case reflect.Map:
		d.decodeMap(node, v, file, path)
	case reflect.Slice:
		d.decodeSlice(node, v, file, path)
	default:
		d.decodeScalar(node, v, file, path)
	}
}

func (d *decoder) decodeStruct(node *yaml.Node, v reflect.Value, file, path string) {
	if node.Kind != yaml.MappingNode {
		d.fail(file, node.Line, path, "invalid value: write keys and values, not a %s", kindName(node.Kind))
		return
	}
	d.decodeKeys(node, fieldsOf(v), file, path)
}

// fieldsOf returns the fields of a struct by their keys.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" && name != "-" {
			fields[name] = v.Field(i)
		}
	}
	return fields
}

// decodeKeys decodes a mapping of which only the keys of fields are known.
func (d *decoder) decodeKeys(node *yaml.Node, fields map[string]reflect.Value, file, path string) {
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		keyFile := file
		if f, ok := d.fileOf[key]; ok {
			keyFile = f
		}
		field, ok := fields[key.Value]
		if !ok {
			d.fail(keyFile, key.Line, join(path, key.Value), "unknown key: %s", Suggest(key.Value, sortedKeys(fields)))
			continue
		}
		if line, ok := seen[key.Value]; ok {
			d.fail(keyFile, key.Line, join(path, key.Value), "duplicate key: already in line %d; keep one", line)
			continue
		}
		seen[key.Value] = key.Line
		d.positions[join(path, key.Value)] = position{keyFile, key.Line}
		d.decode(value, field, keyFile, join(path, key.Value))
	}
}

func (d *decoder) decodeMap(node *yaml.Node, v reflect.Value, file, path string) {
	if node.Kind != yaml.MappingNode {
		d.fail(file, node.Line, path, "invalid value: write names and values, not a %s", kindName(node.Kind))
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		keyFile := file
		if f, ok := d.fileOf[key]; ok {
			keyFile = f
		}
		keyPath := join(path, key.Value)
		if line, ok := seen[key.Value]; ok {
			d.fail(keyFile, key.Line, keyPath, "duplicate key: already in line %d; keep one", line)
			continue
		}
		seen[key.Value] = key.Line
		d.positions[keyPath] = position{keyFile, key.Line}
		elem := reflect.New(v.Type().Elem()).Elem()
		if old := v.MapIndex(reflect.ValueOf(key.Value)); old.IsValid() {
			elem.Set(old) // its defaults hold where nothing is written
		}
		d.decode(value, elem, keyFile, keyPath)
		if elem.Kind() == reflect.Pointer && elem.IsNil() {
			elem.Set(reflect.New(elem.Type().Elem()))
		}
		v.SetMapIndex(reflect.ValueOf(key.Value), elem)
	}
}

func (d *decoder) decodeSlice(node *yaml.Node, v reflect.Value, file, path string) {
	if node.Kind != yaml.SequenceNode {
		d.fail(file, node.Line, path, "invalid value: write a list, not a %s", kindName(node.Kind))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		elem := out.Index(i)
		d.decode(item, elem, file, fmt.Sprintf("%s[%d]", path, i))
		if elem.Kind() == reflect.Pointer && elem.IsNil() {
			elem.Set(reflect.New(elem.Type().Elem()))
		}
	}
	v.Set(out)
}

func (d *decoder) decodeScalar(node *yaml.Node, v reflect.Value, file, path string) {
	if node.Kind != yaml.ScalarNode {
		d.fail(file, node.Line, path, "invalid value: write a single value, not a %s", kindName(node.Kind))
		return
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(node.Value)
	case reflect.Bool:
		var b bool
		if b, err = strconv.ParseBool(node.Value); err != nil {
			err = fmt.Errorf("invalid value %q: write true or false", node.Value)
		}
		v.SetBool(b)
	case reflect.Int:
		var n int64
		if n, err = strconv.ParseInt(node.Value, 10, 32); err != nil {
			err = fmt.Errorf("invalid number %q: write a whole number, like 10", node.Value)
		}
		v.SetInt(n)
	case reflect.Float64:
		var f float64
		if f, err = strconv.ParseFloat(node.Value, 64); err != nil {
			err = fmt.Errorf("invalid number %q: write it like 0.5", node.Value)
		}
		v.SetFloat(f)
	default:
		err = fmt.Errorf("values of type %s cannot be read", v.Type())
	}
	if err != nil {
		d.fail(file, node.Line, path, "%v", err)
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kindName(k yaml.Kind) string {
	switch k {
	case yaml.MappingNode:
		return "mapping"
	case yaml.SequenceNode:
		return "list"
	default:
		return "single value"
	}
}

// Suggest names what a reader probably meant, else what is known.
func Suggest(got string, known []string) string {
	best, bestDistance := "", 3
	for _, k := range known {
		if n := distance(got, k); n < bestDistance {
			best, bestDistance = k, n
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	if len(known) == 0 {
		return "none is defined; define one first"
	}
	if more := len(known) - maxSuggested; more > 0 {
		return fmt.Sprintf("write one of %s and %d more", strings.Join(known[:maxSuggested], ", "), more)
	}
	return "write one of " + strings.Join(known, ", ")
}

// maxSuggested bounds the names in an error.
const maxSuggested = 30

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
