package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// extension begins keys at the top of a policy that mean nothing, and so may hold what aliases stand for.
const extension = "x-"

// document parses one file of a policy into a mapping whose merge keys are resolved.
func (d *decoder) document(s source) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(s.text))
	var doc, more yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Error{File: s.name, Line: 1, Msg: "the file is empty; begin with version: 1"}
	case err != nil:
		return nil, syntaxError(s, err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, syntaxError(s, err)
		}
		const msg = "a second document; use one file for each part of the policy"
		return nil, &Error{File: s.name, Line: max(more.Line, 1), Msg: msg}
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		const msg = "invalid policy: write keys and values, and begin with version: 1"
		return nil, &Error{File: s.name, Line: root.Line, Msg: msg}
	}
	d.mergeKeys(root, s.name, map[*yaml.Node]bool{})
	for i := 0; i+1 < len(root.Content); {
		if strings.HasPrefix(root.Content[i].Value, extension) {
			root.Content = slices.Delete(root.Content, i, i+2)
			continue
		}
		i += 2
	}
	return root, nil
}

// mergeKeys replaces every `<<` by the keys of the mappings that it names, less those that are written beside
// it, as https://yaml.org/type/merge.html has it. done holds the nodes that were visited.
func (d *decoder) mergeKeys(node *yaml.Node, file string, done map[*yaml.Node]bool) {
	if done[node] {
		return
	}
	done[node] = true
	if node.Kind == yaml.AliasNode {
		d.mergeKeys(node.Alias, file, done)
		return
	}
	for _, n := range node.Content {
		d.mergeKeys(n, file, done)
	}
	if node.Kind != yaml.MappingNode {
		return
	}
	var own, merged []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		if key := node.Content[i]; key.Tag != "!!merge" {
			own = append(own, key, node.Content[i+1])
			continue
		}
		sources := []*yaml.Node{node.Content[i+1]}
		if sources[0].Kind == yaml.SequenceNode {
			sources = sources[0].Content
		}
		for _, source := range sources {
			if source.Kind == yaml.AliasNode {
				source = source.Alias
			}
			if source.Kind != yaml.MappingNode || source == node {
				d.fail(file, node.Content[i].Line, "<<",
					"name a mapping here, such as *name, which is written with &name elsewhere")
				continue
			}
			merged = append(merged, source.Content...)
		}
	}
	if merged == nil {
		node.Content = own
		return
	}
	written := map[string]bool{}
	for i := 0; i < len(own); i += 2 {
		written[own[i].Value] = true
	}
	for i := 0; i+1 < len(merged) && len(own) < maxNodes; i += 2 {
		if !written[merged[i].Value] { // of several, the first wins
			written[merged[i].Value] = true
			own = append(own, merged[i], merged[i+1])
		}
	}
	node.Content = own
}

var (
	syntaxRE = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	anchorRE = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// cures are the usual corrections for errors of the parser.
var cures = []struct{ text, cure string }{
	{"cannot start any token", "put the value in quotes"},
	{
		"mapping values are not allowed",
		"indent the keys of one level alike, and put a value that holds a colon and a space in quotes",
	},
	{"could not find expected ':'", "write a colon and a space after the key, and indent the keys of one level alike"},
	{"did not find expected key", "indent the keys of one level alike"},
	{"did not find expected '-' indicator", "begin every item of the list with a dash, indented alike"},
	{"did not find expected", "close every { [ and quote, and put a value that holds one of , : { } [ ] in quotes"},
	{"unexpected end of stream", "close the quote"},
	{"block sequence entries are not allowed", "begin the list on a line of its own"},
	{"unknown escape character", "use single quotes, in which a backslash is one"},
	{"UTF", "save the file as UTF-8 text"},
	{"control characters", "save the file as UTF-8 text"},
}

// syntaxError adds file, line and cure to an error of the parser.
func syntaxError(s source, err error) error {
	line, text := 1, err.Error()
	if m := syntaxRE.FindStringSubmatch(text); m != nil {
		text = m[2]
		line, _ = strconv.Atoi(m[1])
	}
	lines := bytes.Split(s.text, []byte("\n"))
	if m := anchorRE.FindStringSubmatch(text); m != nil { // the parser does not report its line
		for i, one := range lines {
			if bytes.Contains(one, []byte("*"+m[1])) {
				line = i + 1
				break
			}
		}
		msg := fmt.Sprintf("unknown anchor *%[1]s: write &%[1]s before it, where the value stands", m[1])
		return &Error{File: s.name, Line: line, Msg: msg}
	}
	if strings.HasPrefix(text, "did not find expected") {
		line++ // the parser's own errors, unlike the scanner's, count from 0
	}
	line = max(min(line, bytes.Count(bytes.TrimRight(s.text, "\n"), []byte("\n"))+1), 1)
	for _, i := range []int{line - 1, line} { // the parser may count one too few
		if i < len(lines) && bytes.HasPrefix(bytes.TrimLeft(lines[i], " "), []byte("\t")) {
			return &Error{File: s.name, Line: i + 1, Msg: "invalid YAML: a tab; indent with spaces"}
		}
	}
	for _, c := range cures {
		if strings.Contains(text, c.text) {
			return &Error{File: s.name, Line: line, Msg: "invalid YAML: " + text + "; " + c.cure}
		}
	}
	return &Error{File: s.name, Line: line, Msg: "invalid YAML: " + text}
}

var unknownFieldRE = regexp.MustCompile(`^field (.*) not found in type .*$`)

// YAMLError writes an error of strict decoding in the form of the policy's own errors.
func YAMLError(file string, err error) string {
	errs := []string{err.Error()}
	if kinds, ok := errors.AsType[*yaml.TypeError](err); ok {
		errs = kinds.Errors
	}
	for i, text := range errs {
		line := ""
		if m := syntaxRE.FindStringSubmatch("yaml: " + strings.TrimPrefix(text, "yaml: ")); m != nil && m[1] != "" {
			line, text = ":"+m[1], m[2]
		}
		errs[i] = file + line + ": " + unknownFieldRE.ReplaceAllString(text, "unknown key $1")
	}
	return strings.Join(errs, "; ")
}
