package packaging

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"

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

// Limits of Mimir by default (-ruler.max-rules-per-rule-group, -ruler.max-rule-groups-per-tenant); Cortex has none. A
// change of a group is refused where there are as many groups as permitted.
const (
	mimirRules  = 20
	mimirGroups = 70
)

// mimir packs rules for the rulers of Cortex and Mimir: one file with every rule in as few groups as keep their order.
var mimir = Packaging{
	Name: "mimir",
	Help: "one namespace of rules for the rulers of Cortex and Mimir (cortextool or mimirtool rules load)",
	pack: func(b Bundle) (map[string][]byte, error) {
		all := yaml.Node{Kind: yaml.SequenceNode}
		for _, name := range b.in("rules") {
			_, groups, err := b.groups(name)
			if err != nil {
				return nil, err
			}
			all.Content = append(all.Content, joined(groups.Content)...)
		}
		var out bytes.Buffer
		out.WriteString(header)
		if n := len(all.Content); n >= mimirGroups {
			fmt.Fprintf(&out, "# %d groups: raise ruler_max_rule_groups_per_tenant, %d in Mimir by default, above it.\n",
				n, mimirGroups)
		}
		fmt.Fprintf(&out, "namespace: %s\n", mimirNamespace)
		err := encode(&out, map[string]*yaml.Node{"groups": &all})
		return map[string][]byte{mimirNamespace + ".yaml": out.Bytes()}, err
	},
}

// joined joins neighbouring groups of one interval, as long as Mimir permits so many rules. Rules stay in their order,
// and so see what those before them wrote, as in the groups apart.
func joined(groups []*yaml.Node) []*yaml.Node {
	var all []*yaml.Node
	for _, group := range groups {
		if len(all) > 0 {
			last := all[len(all)-1]
			rules, more := rulesOf(last), rulesOf(group)
			if options(last) == options(group) && len(rules.Content)+len(more.Content) <= mimirRules {
				rules.Content = append(rules.Content, more.Content...)
				continue
			}
		}
		all = append(all, group)
	}
	return all
}

// rulesOf returns the rules of a group.
func rulesOf(group *yaml.Node) *yaml.Node {
	for i := 0; i+1 < len(group.Content); i += 2 {
		if group.Content[i].Value == "rules" {
			return group.Content[i+1]
		}
	}
	return &yaml.Node{}
}

// options returns all of a group but its name and its rules.
func options(group *yaml.Node) string {
	var all strings.Builder
	for i := 0; i+1 < len(group.Content); i += 2 {
		if key := group.Content[i].Value; key != "name" && key != "rules" {
			fmt.Fprintf(&all, "%s: %s\n", key, group.Content[i+1].Value)
		}
	}
	return all.String()
}

// groups parses a file of rules and returns its root and its groups, without the comments of the bundle.
func (b Bundle) groups(name string) (root, groups *yaml.Node, err error) {
	root = &yaml.Node{}
	if err := yaml.Unmarshal(b.Files[name], root); err != nil {
		return nil, nil, err
	}
	root.HeadComment, root.Content[0].HeadComment, root.Content[0].Content[0].HeadComment = "", "", ""
	return root, root.Content[0].Content[1], nil
}

// encode writes YAML as the bundle has it.
func encode(out *bytes.Buffer, value any) error {
	encoder := yaml.NewEncoder(out)
	encoder.SetIndent(2)
	return encoder.Encode(value)
}

// eachGroup returns the files of rules after a change of each of their groups.
func (b Bundle) eachGroup(change func(*yaml.Node)) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range b.in("rules") {
		root, groups, err := b.groups(name)
		if err != nil {
			return nil, err
		}
		for _, group := range groups.Content {
			change(group)
		}
		var out bytes.Buffer
		out.WriteString(header)
		if err := encode(&out, root); err != nil {
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
