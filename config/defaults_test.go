package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// skeleton has one of everything, with no more than each must have, so that every section has its defaults.
const skeleton = `version: 1
channels:
  deadman: {webhook: {url: "http://deadman.example.com"}}
  hook: {webhook: {url: "http://hook.example.com"}}
  secondary: {webhook: {url: "http://secondary.example.com"}}
  manager: {webhook: {url: "http://manager.example.com"}}
  everyone: {webhook: {url: "http://everyone.example.com"}}
  pager: {pagerduty: {routing_key_file: /f, api: {token_file: /f}}}
  chat: {slack: {channel: "#x", url_file: /f}}
  mail: {email: {to: a@example.com, from: b@example.com, smarthost: "mail:25"}}
  teams: {msteams: {url_file: /f}}
  sms: {sns: {topic_arn: "arn:x", region: eu-central-1}}
tiers: {enterprise: {}}
owners: {sre: {}}
alertmanagers: [{name: main, url: "http://localhost:9093", events: {file: /run/events.jsonl}}]
services: [{name: web, owner: sre}]
slos: [{name: own, app_service: web, objective: 99.9%, bad: "sum(rate(x[$window]))", total: "sum(rate(y[$window]))"}]
objectives: {latency: [{threshold: 300ms, ratio: 95%}]}
health:
  reference_targets: [{target: "192.0.2.1:443"}]
  checks:
    - {name: home, app_service: web, target: "https://example.com/healthz", secret_headers: {X-Key: {env: HOME}}}
    - {name: each, app_service: web, target: "https://{tenant}.example.com", per_tenant: {}}
tenants:
  registry: {postgres: {dsn_file: /f, query: SELECT 1}}
  host: "{tenant}.example.com"
  sources: [{file: /f, format: nginx-json, app_service: web}]
backups:
  - name: db
    interval: 1d
    source: {program: pgbackrest}
    wal_disk: {host: db1, mountpoint: /f}
    restore_test: {scratch: /f, postgresql: {binaries: /f, checks: [{name: rows, query: SELECT 1, min: 1}]}}
storage:
  limits: [{device: sda, iops: 100}]
  supabase: {token_env: HOME, projects: [{ref: abcdefghijklmnopqrst}]}
  canaries: [{name: data, path: /f}]
databases: [{name: main, dsn_env: HOME, wal: {mountpoint: /f}}]
domains: {names: [{name: example.com, expires: 2027-03-01}]}
host: {processes: [{name: web, match: nginx}]}
maintenance: [{name: night, start: "02:00", duration: 1h}]
sla: {availability: 99.9%, credits: [{below: 99.9%, credit: 10%}]}
`

// skeletons are the policies that the tests write keys into: what excludes each other is in different ones.
var skeletons = []string{skeleton, `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
tenants: {registry: {file: /f}}
backups: [{name: db, interval: 1d, source: {program: directory}, per_tenant: {}}]
`, `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
tenants:
  host: "{tenant}.example.com"
  sources:
    - name: kafka
      app_service: web
      format: envoy
      kafka: {brokers: ["a:9092"], topic: t, tls: {}, sasl: {mechanism: plain, username: u, password: {file: /f}}}
    - {name: nats, app_service: web, format: envoy, nats: {url: "nats://a:4222", stream: S, tls: {}}}
    - {receive: vercel, app_service: web, secret_file: /f, forward: {kafka: {brokers: ["a:9092"], topic: t}}}
    - receive: cloudflare
      app_service: web
      secret_file: /f
      forward: {nats: {url: "nats://a:4222", stream: S, subject: s}}
`}

// otherSections returns a policy for each section that the skeletons do not have, with its valid example.
func otherSections() map[string]string {
	all := map[string]string{}
	for _, s := range sections {
		key := s.name()
		in := func(text string) bool { return strings.Contains(text, "\n"+key+":") }
		if !slices.ContainsFunc(skeletons, in) {
			all[key] = examples[key].policy(key, examples[key].valid)
		}
	}
	return all
}

// TestOneKeyKeepsTheOtherDefaults writes each key of each section by itself, with the value that it has anyway: that
// changes nothing, unless it takes away another default of its section. The keys and the sections are those of the
// types.
func TestOneKeyKeepsTheOtherDefaults(t *testing.T) {
	written := 0
	for _, skeleton := range skeletons {
		written += oneKey(t, skeleton, "")
	}
	for key, text := range otherSections() {
		if n := oneKey(t, text, key); n == 0 {
			t.Errorf("no key of %s was written", key)
		}
	}
	if written < 300 {
		t.Errorf("only %d keys were written", written)
	}
}

// oneKey writes the keys of one section, or of all where only is empty, and returns their number.
func oneKey(t *testing.T, skeleton, only string) (written int) {
	base := loadedFrom(t, skeleton)
	want := flat(base)
	var text []byte
	for _, part := range base.documents() {
		some, err := yaml.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, some...)
	}
	var all yaml.Node
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var walk func(n *yaml.Node, path []any)
	walk = func(n *yaml.Node, path []any) {
		try := func(value *yaml.Node) {
			text := overlaid(t, skeleton, path, value)
			p, err := loadText(t, text)
			if err != nil {
				if value.Kind != yaml.MappingNode && !slices.Contains([]string{"", "0", "0s", "false", "null", "[]"}, value.Value) {
					t.Errorf("writing %v = %q: %v", path, value.Value, err)
				}
				return // such as an address that is written and empty
			}
			written++
			got := flat(p)
			for at := range want {
				if got[at] != want[at] {
					t.Errorf("writing %v = %q changes %s from %s to %s", path, value.Value, at, want[at], got[at])
				}
			}
			if len(got) != len(want) {
				t.Errorf("writing %v changes the number of values from %d to %d", path, len(want), len(got))
			}
		}
		switch n.Kind {
		case yaml.MappingNode:
			if len(path) > 0 {
				try(&yaml.Node{Kind: yaml.MappingNode}) // the section with nothing in it
			}
			for i := 0; i+1 < len(n.Content); i += 2 {
				if len(path) == 0 && only != "" && only != n.Content[i].Value {
					continue
				}
				walk(n.Content[i+1], append(slices.Clip(path), n.Content[i].Value))
			}
		case yaml.SequenceNode:
			if len(n.Content) == 0 || n.Content[0].Kind == yaml.ScalarNode {
				try(n)
			}
			for i, item := range n.Content {
				if item.Kind == yaml.MappingNode {
					walk(item, append(slices.Clip(path), i))
				}
			}
		default:
			if n.Tag != "!!null" {
				try(n)
			}
		}
	}
	walk(all.Content[0], nil)
	return written
}

// The skeletons have a value of every section that there is.
func TestSkeletonsHaveEverySection(t *testing.T) {
	reachable, seen := map[reflect.Type]bool{}, map[reflect.Type]bool{}
	var types func(typ reflect.Type)
	types = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			types(typ.Elem())
		case reflect.Struct:
			if reachable[typ] || typ.PkgPath() != reflect.TypeFor[Policy]().PkgPath() {
				return
			}
			reachable[typ] = true
			for field := range typ.Fields() {
				if field.IsExported() {
					types(field.Type)
				}
			}
		}
	}
	for _, s := range sections {
		types(s.valueType())
	}
	var values func(v reflect.Value)
	values = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				values(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				values(v.Index(i))
			}
		case reflect.Map:
			for _, key := range v.MapKeys() {
				values(v.MapIndex(key))
			}
		case reflect.Struct:
			seen[v.Type()] = true
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					values(v.Field(i))
				}
			}
		}
	}
	for _, text := range slices.AppendSeq(slices.Clone(skeletons), maps.Values(otherSections())) {
		p := loadedFrom(t, text)
		for _, s := range sections {
			values(s.value(p))
		}
	}
	for typ := range reachable {
		if !seen[typ] {
			t.Errorf("the skeleton has no %s", typ)
		}
	}
}

// What the map of a section's defaults holds is laid under what is written of it; a key that is not in it has none.
func TestWrittenPriorityKeepsItsDefaults(t *testing.T) {
	p := loadedFrom(t, strings.Replace(skeleton, "tiers:", `priorities:
  {P1: {notify: [hook]}, P3: {notify: [chat]}, P4: null, P2: {respond_within: 30m}}
tiers:`, 1))
	for name, want := range map[string]string{
		"P1": "{15m false [hook]}", "P2": "{30m false []}", "P3": "{4h true [chat]}", "P4": "{1w false []}",
	} {
		if got := fmt.Sprint(*p.Priorities[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	const sizes = "token_env: HOME, compute_sizes: {micro: {iops: 600}},"
	p = loadedFrom(t, strings.Replace(skeleton, "token_env: HOME,", sizes, 1))
	got := *p.Storage.Supabase.ComputeSizes["micro"]
	if got.IOPS != 600 || got.Throughput != 11_000_000 || got.BurstIOPS != 11_800 {
		t.Errorf("micro: %+v", got)
	}
	if n := len(p.Storage.Supabase.ComputeSizes); n != len(publishedComputeSizes()) {
		t.Errorf("%d sizes", n)
	}
}

// overlaid returns the skeleton with a value at a path.
func overlaid(t *testing.T, skeleton string, path []any, value *yaml.Node) string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(skeleton), &doc); err != nil {
		t.Fatal(err)
	}
	at := doc.Content[0]
	for i, step := range path {
		last := i == len(path)-1
		if index, ok := step.(int); ok {
			if last {
				return skeleton // an item of a list is written anyway
			}
			at = at.Content[index]
			continue
		}
		next := child(at, step.(string))
		switch {
		case next != nil && last && value.Kind == yaml.MappingNode:
			return skeleton
		case next != nil && last:
			*next = *value
		case next != nil:
			at = next
		default:
			next = &yaml.Node{Kind: yaml.MappingNode}
			if _, isIndex := append(path, "")[i+1].(int); isIndex {
				t.Fatalf("%v: the list is not in the skeleton", path)
			}
			if last {
				next = value
			}
			at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: step.(string)}, next)
			at = next
		}
	}
	text, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func loadedFrom(t *testing.T, text string) *Policy {
	t.Helper()
	p, err := loadText(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// flat returns every value of a policy by its path.
func flat(p *Policy) map[string]string {
	all := map[string]string{}
	flatten(reflect.ValueOf(p).Elem(), "", all)
	for _, s := range sections {
		flatten(s.value(p), s.name(), all)
	}
	return all
}

func flatten(v reflect.Value, path string, all map[string]string) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			all[path] = "nil"
			return
		}
		flatten(v.Elem(), path, all)
	case reflect.Map:
		if v.Len() == 0 {
			all[path] = "{}"
		}
		for _, key := range v.MapKeys() {
			flatten(v.MapIndex(key), join(path, key.String()), all)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			all[path] = "[]"
		}
		for i := range v.Len() {
			flatten(v.Index(i), fmt.Sprintf("%s[%d]", path, i), all)
		}
	case reflect.Struct:
		keys := 0
		for i := range v.NumField() {
			if key := v.Type().Field(i).Tag.Get("yaml"); v.Type().Field(i).IsExported() && key != "" && key != "-" {
				keys++
				flatten(v.Field(i), join(path, key), all)
			}
		}
		if keys == 0 {
			text, err := yaml.Marshal(v.Interface())
			all[path] = fmt.Sprint(string(text), err)
		}
	default:
		all[path] = fmt.Sprint(v.Interface())
	}
}
