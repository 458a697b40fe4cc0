package packaging

import (
	"bytes"
	"path"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// thanos packs rules for a Thanos ruler. Each group refuses a partial answer: a total to which one store did not
// answer would lose the requests of that store for good.
var thanos = Packaging{
	Name: "thanos",
	Help: "files of rules for thanos rule (--rule-file)",
	pack: func(b Bundle) (map[string][]byte, error) {
		return b.eachGroup(func(group *yaml.Node) {
			set(group, "partial_response_strategy", "abort")
		})
	},
}

// vmalert packs rules for VictoriaMetrics' ruler. It evaluates without delay: records are read by the rules after
// them.
var vmalert = Packaging{
	Name: "vmalert",
	Help: "files of rules for vmalert (-rule)",
	pack: func(b Bundle) (map[string][]byte, error) {
		return b.eachGroup(func(group *yaml.Node) {
			set(group, "eval_delay", "0s")
			set(group, "concurrency", "1")
		})
	},
}

// mimirNamespace is the namespace of the rules in a ruler of Cortex or Mimir.
const mimirNamespace = "thorbis"

// mimir packs rules for the rulers of Cortex and Mimir: one file with every group, whose names are unique.
var mimir = Packaging{
	Name: "mimir",
	Help: "one namespace of rules for the rulers of Cortex and Mimir (cortextool or mimirtool rules load)",
	pack: func(b Bundle) (map[string][]byte, error) {
		var out bytes.Buffer
		out.WriteString(header + "namespace: " + mimirNamespace + "\ngroups:\n")
		for _, name := range b.in("rules") {
			text := withoutComments(b.Files[name])
			out.Write(bytes.TrimPrefix(text, []byte("groups:\n")))
		}
		return map[string][]byte{mimirNamespace + ".yaml": out.Bytes()}, nil
	},
}

// eachGroup returns the files of rules after a change of each of their groups.
func (b Bundle) eachGroup(change func(*yaml.Node)) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range b.in("rules") {
		var root yaml.Node
		if err := yaml.Unmarshal(b.Files[name], &root); err != nil {
			return nil, err
		}
		root.HeadComment, root.Content[0].HeadComment = "", ""
		groups := root.Content[0].Content[1]
		root.Content[0].Content[0].HeadComment = ""
		for _, group := range groups.Content {
			change(group)
		}
		var out bytes.Buffer
		out.WriteString(header)
		encoder := yaml.NewEncoder(&out)
		encoder.SetIndent(2)
		if err := encoder.Encode(&root); err != nil {
			return nil, err
		}
		files[path.Base(name)] = out.Bytes()
	}
	return files, nil
}

// set puts a key of a group after its interval.
func set(group *yaml.Node, key, value string) {
	scalar := func(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }
	added := []*yaml.Node{scalar(key), scalar(value)}
	for i := 0; i < len(group.Content); i += 2 {
		if group.Content[i].Value == "rules" {
			group.Content = append(group.Content[:i:i], append(added, group.Content[i:]...)...)
			return
		}
	}
	group.Content = append(group.Content, added...)
}

// optionRE matches a line of what a ruler reads besides the groups and rules of Prometheus.
var optionRE = regexp.MustCompile(
	`(?m)^(namespace: |(  |    )(partial_response_strategy|eval_delay|concurrency): ).*\n`)

// WithoutOptions returns a packed file of rules without what only its ruler reads: rules as Prometheus has them.
func WithoutOptions(text []byte) []byte { return optionRE.ReplaceAll(text, nil) }
