package config

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/internal/regularfile"
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
	return parse(context.Background(), []source{{name: "embedded default", text: []byte(text)}})
}

// Load reads a policy from a file, or from a directory in which every *.yaml and *.yml file is a part of
// it: lists are joined in the order of the file names, a single value may be given once. Files that the
// policy itself refers to (modules_file, registry.file) are not parts. Every error names file, line and cure.
// Only regular files are read: what is read again at a reload cannot be a pipe.
func Load(path string) (*Policy, error) { return LoadContext(context.Background(), path) }

// LoadContext is Load that ends with the context, whatever the disk does.
func LoadContext(ctx context.Context, path string) (*Policy, error) {
	names, err := partsOf(ctx, path)
	if err != nil {
		return nil, err
	}
	var sources []source
	for _, name := range names {
		text, err := readBounded(ctx, name)
		if errors.Is(err, regularfile.ErrNotRegular) {
			return nil, fmt.Errorf("the policy cannot be read: %w; it is read again at each reload, "+
				"so write it to a file or a directory", err)
		}
		if err != nil {
			return nil, fmt.Errorf("the policy cannot be read: %w", err)
		}
		sources = append(sources, source{name: name, text: text})
	}
	return parse(ctx, sources)
}

// LoadOnce is LoadContext for programs that read the policy once: it may also come from a pipe, such as <(command), or
// from standard input, which is called - or /dev/stdin. Files that such a policy names are looked for in the working
// directory.
func LoadOnce(ctx context.Context, path string, stdin io.Reader) (*Policy, error) {
	if path == "-" || path == "/dev/stdin" {
		return parseStream(ctx, "<stdin>", stdin)
	}
	info, err := regularfile.Stat(ctx, path)
	if !errors.Is(err, regularfile.ErrNotRegular) || info.IsDir() || info.Mode()&fs.ModeNamedPipe == 0 {
		return LoadContext(ctx, path)
	}
	pipe, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the policy cannot be read: %w", err)
	}
	defer pipe.Close()
	return parseStream(ctx, "<pipe>", pipe)
}

// partsOf returns the files of a policy.
func partsOf(ctx context.Context, path string) ([]string, error) {
	info, err := regularfile.Stat(ctx, path)
	if info == nil || !info.IsDir() {
		if err != nil && !errors.Is(err, regularfile.ErrNotRegular) {
			return nil, fmt.Errorf("the policy cannot be read: %w", err)
		}
		return []string{path}, nil
	}
	var names []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return nil, fmt.Errorf("the policy directory cannot be read: %w", err)
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil, fmt.Errorf("the policy cannot be read: no *.yaml or *.yml file in %s: put a part of the policy there",
			path)
	}
	return names, nil
}

func readBounded(ctx context.Context, name string) ([]byte, error) {
	return regularfile.Read(ctx, name, maxFileBytes)
}

// parseStream reads a policy of one part to its end.
func parseStream(ctx context.Context, name string, from io.Reader) (*Policy, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("the policy cannot be read: %s: %w", name, err)
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("the policy cannot be read: %s: more than %d bytes: divide it into files of a directory", name,
			maxFileBytes)
	}
	return parse(ctx, []source{{name: name, text: text}})
}

// source is one file of a policy.
type source struct {
	name string
	text []byte
}

func parse(ctx context.Context, sources []source) (*Policy, error) {
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
	d.decodePolicy(root, p)
	p.positions = d.positions
	v := &validator{decoder: d, ctx: ctx, policy: p}
	if len(d.errs) == 0 {
		v.validate()
	}
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	if strings.HasPrefix(sources[0].name, "embedded") {
		p.files = nil
	}
	// The hash comes first, so that it does not depend on the directory of the policy.
	var err error
	p.hash, err = p.digest()
	v.resolveFiles()
	return p, err
}

// collectReferences finds the files that a policy names but that are no parts of it.
func collectReferences(root *yaml.Node, dir string, found map[string]bool) {
	for _, s := range sections {
		for _, key := range s.referenced() {
			n := child(root, s.name())
			for name := range strings.SplitSeq(key, ".") {
				n = child(n, name)
			}
			if n != nil && n.Kind == yaml.ScalarNode && n.Value != "" {
				found[filepath.Clean(resolvePath(dir, n.Value))] = true
			}
		}
	}
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
			d.fail(file, key.Line, keyPath, "duplicate key: already in %s, line %d; keep one", d.fileOf[old], old.Line)
		}
	}
}

func (d *decoder) markItems(list *yaml.Node, file string) {
	for _, item := range list.Content {
		d.fileOf[item] = file
	}
}

func resolvePath(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
