package config

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFileBytes bounds each file of a policy.
const maxFileBytes = 8 << 20

//go:embed default.yaml
var defaultPolicy string

// Default returns the embedded policy, which watches the exporter that listens on the given address.
func Default(listenAddress string) (*Policy, error) {
	host, port, err := net.SplitHostPort(listenAddress)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: %w", listenAddress, err)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	text := strings.ReplaceAll(defaultPolicy, "{listen_address}", net.JoinHostPort(host, port))
	return parse([]source{{name: "embedded default", text: []byte(text)}})
}

// Load reads a policy from a file, or from a directory in which every *.yaml and *.yml file is a part of
// it: lists are joined in the order of the file names, a single value may be given once. Files that the
// policy itself refers to (modules_file, registry.file) are not parts. Every error names file, line and cure.
func Load(path string) (*Policy, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the policy cannot be read: %w", err)
	}
	names := []string{path}
	if info.IsDir() {
		names = nil
		for _, pattern := range []string{"*.yaml", "*.yml"} {
			found, err := filepath.Glob(filepath.Join(path, pattern))
			if err != nil {
				return nil, fmt.Errorf("the policy directory cannot be read: %w", err)
			}
			names = append(names, found...)
		}
		slices.Sort(names)
		if len(names) == 0 {
			return nil, fmt.Errorf("%s holds no *.yaml file", path)
		}
	}
	var sources []source
	for _, name := range names {
		text, err := readBounded(name)
		if err != nil {
			return nil, fmt.Errorf("the policy cannot be read: %w", err)
		}
		sources = append(sources, source{name: name, text: text})
	}
	return parse(sources)
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxFileBytes)
	}
	return text, nil
}

// source is one file of a policy.
type source struct {
	name string
	text []byte
}

func parse(sources []source) (*Policy, error) {
	d := &decoder{fileOf: map[*yaml.Node]string{}, positions: map[string]position{}}
	documents := map[string]*yaml.Node{}
	referenced := map[string]bool{}
	for _, s := range sources {
		root, err := d.document(s)
		if err != nil {
			return nil, err
		}
		documents[s.name] = root
		collectReferences(root, filepath.Dir(s.name), referenced)
	}
	root := &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	p := defaults()
	for _, s := range sources {
		if referenced[filepath.Clean(s.name)] && len(sources) > 1 {
			continue
		}
		p.files = append(p.files, s.name)
		if _, ok := d.fileOf[root]; !ok {
			d.fileOf[root] = s.name
		}
		d.merge(root, documents[s.name], s.name, "", 0)
	}
	d.decode(root, reflect.ValueOf(p).Elem(), "", "")
	p.positions = d.positions
	v := &validator{decoder: d, policy: p}
	if len(d.errs) == 0 {
		v.validate()
	}
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	if strings.HasPrefix(sources[0].name, "embedded") {
		p.files = nil
	}
	// The hash comes first: where a policy lies is no part of what it means.
	var err error
	p.hash, err = p.meaning()
	v.absolute()
	return p, err
}

// collectReferences finds the files that a policy names under modules_file and registry.file.
func collectReferences(root *yaml.Node, dir string, found map[string]bool) {
	add := func(n *yaml.Node) {
		if n != nil && n.Kind == yaml.ScalarNode && n.Value != "" {
			found[filepath.Clean(resolvePath(dir, n.Value))] = true
		}
	}
	add(child(child(root, "health"), "modules_file"))
	add(child(child(child(root, "tenants"), "registry"), "file"))
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// merge adds the keys of from to into: mappings key by key, lists one after the other. Everything else may
// be written once, except the version, which every file may repeat.
func (d *decoder) merge(into, from *yaml.Node, file, path string, depth int) {
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		d.fileOf[key], d.fileOf[value] = file, file
		keyPath := join(path, key.Value)
		old := child(into, key.Value)
		switch {
		case old == nil || old.Kind == yaml.ScalarNode && d.fileOf[old] == file:
			into.Content = append(into.Content, key, value)
			if value.Kind == yaml.SequenceNode {
				d.markItems(value, file)
			}
		case old.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode && d.fileOf[old] != file && depth < 3:
			d.merge(old, value, file, keyPath, depth+1)
		case old.Kind == yaml.SequenceNode && value.Kind == yaml.SequenceNode && d.fileOf[old] != file:
			d.markItems(value, file)
			old.Content = append(old.Content, value.Content...)
		case path == "" && key.Value == "version" && old.Value == value.Value:
		default:
			d.fail(file, key.Line, keyPath, "already written in %s, line %d; keep one", d.fileOf[old], old.Line)
		}
	}
}

func (d *decoder) markItems(list *yaml.Node, file string) {
	for _, item := range list.Content {
		d.fileOf[item] = file
	}
}

// meaning hashes what the policy says.
func (p *Policy) meaning() (string, error) {
	said := *p
	said.Location = ""
	text, err := yaml.Marshal(&said)
	if err != nil {
		return "", fmt.Errorf("the policy cannot be hashed: %w", err)
	}
	// What the modules say decides what is down; their secrets, which are masked here, do not.
	modules, err := yaml.Marshal(p.modules)
	if err != nil {
		return "", fmt.Errorf("the modules cannot be hashed: %w", err)
	}
	sum := sha256.Sum256(append(text, modules...))
	return hex.EncodeToString(sum[:]), nil
}

func resolvePath(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
