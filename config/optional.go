package config

import "go.yaml.in/yaml/v3"

// withoutKeys encodes a struct without the keys that are to be left out: those that a policy of an earlier release did
// not have, while they are not written, so that its hash stays what it was.
func withoutKeys(v any, left map[string]bool) (*yaml.Node, error) {
	var node yaml.Node
	if err := node.Encode(v); err != nil {
		return nil, err
	}
	kept := node.Content[:0]
	for i := 0; i+1 < len(node.Content); i += 2 {
		if !left[node.Content[i].Value] {
			kept = append(kept, node.Content[i], node.Content[i+1])
		}
	}
	node.Content = kept
	return &node, nil
}
