package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
)

// maxDocuments bounds the documents of one file.
const maxDocuments = 1000

// documents parses a file of YAML, or of JSON, which is YAML.
func documents(text []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var all []*yaml.Node
	for {
		var root yaml.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if len(all) == maxDocuments {
			return nil, fmt.Errorf("more than %d documents", maxDocuments)
		}
		if len(root.Content) == 1 {
			all = append(all, root.Content[0])
		}
	}
}

// target returns the node to which an alias leads, and every other node itself.
func target(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// field returns the value of the first of some keys that a mapping has, nil if it has none or is none.
func field(n *yaml.Node, keys ...string) *yaml.Node {
	n = target(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for _, key := range keys {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return target(n.Content[i+1])
			}
		}
	}
	return nil
}

// value returns the text of a scalar, empty for anything else.
func value(n *yaml.Node) string {
	n = target(n)
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// items returns the items of a list, none of anything else.
func items(n *yaml.Node) []*yaml.Node {
	n = target(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// values returns the scalars of a list, or the one scalar.
func values(n *yaml.Node) []string {
	if v := value(n); v != "" {
		return []string{v}
	}
	var all []string
	for _, item := range items(n) {
		all = append(all, value(item))
	}
	return all
}

// entries calls f with each key of a mapping and its value, in order.
func entries(n *yaml.Node, f func(key, value *yaml.Node)) {
	n = target(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i], target(n.Content[i+1]))
	}
}

// others reports each key of a mapping that is not known, with what it belongs to.
func (d *draft) others(n *yaml.Node, of string, known ...string) {
	entries(n, func(key, _ *yaml.Node) {
		if !slices.Contains(known, key.Value) {
			d.note(key.Line, "%s: %s", of, key.Value)
		}
	})
}

// line returns where a node stands, 0 for none.
func line(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	return n.Line
}
