// Package schema describes the policy in JSON Schema (draft-07, the newest that yaml-language-server supports), so that
// editors complete, explain and check it. The keys are those of the types that package config decodes into. What is
// said about each is that of the grammar in docs/configuration.md.
package schema

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
)

// URL is where the schema of the newest version is published.
const URL = "https://raw.githubusercontent.com/thorbis/thorbis_exporter/main/deploy/policy/thorbis.schema.json"

// Schema is a schema, or a part of one, as https://json-schema.org/draft-07 defines its keys.
type Schema struct {
	Draft       string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        []string           `json:"type,omitempty"`
	Enum        []any              `json:"enum,omitempty"`
	Default     any                `json:"default,omitempty"`
	Examples    []string           `json:"examples,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Minimum     *float64           `json:"minimum,omitempty"`
	Above       *float64           `json:"exclusiveMinimum,omitempty"`
	Maximum     *float64           `json:"maximum,omitempty"`
	Below       *float64           `json:"exclusiveMaximum,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Extensions  map[string]*Schema `json:"patternProperties,omitempty"`
	Names       *Schema            `json:"propertyNames,omitempty"`
	Others      any                `json:"additionalProperties,omitempty"` // a schema, or false
	Required    []string           `json:"required,omitempty"`
	AnyOf       []*Schema          `json:"anyOf,omitempty"`
}

// JSON returns the schema of the policy as a document with a line feed at its end.
func JSON() ([]byte, error) {
	s, err := Build()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(s)
	return b.Bytes(), err
}

// Build returns the schema of the policy. An error means that the types and the grammar of docs/configuration.md have
// different keys, or that the grammar has a notation without a meaning.
func Build() (*Schema, error) {
	grammar, err := parseGrammar(grammarText)
	if err != nil {
		return nil, err
	}
	return build(grammar)
}

func build(grammar *value) (*Schema, error) {
	b := &builder{}
	root := b.structOf(reflect.TypeFor[config.Policy](), grammar, "", false)
	for _, s := range config.SectionTypes() {
		if k := b.keyOf(grammar, s.Key, s.Key); k != nil {
			root.Properties[s.Key] = b.of(s.Type, k, s.Key, false)
		}
	}
	root.Draft = "http://json-schema.org/draft-07/schema#"
	root.ID = URL
	root.Title = "The policy of thorbis_exporter and thorbis_mixin"
	root.Description = "One file, or one of the files of a directory."
	root.Required = []string{"version"}
	// What several values share may stand under keys of its own.
	root.Extensions = map[string]*Schema{"^x-": {}}
	for _, path := range grammar.unmatched("") {
		b.fail("docs/configuration.md has the key %s, which the policy does not have", path)
	}
	return root, errors.Join(b.errs...)
}

type builder struct{ errs []error }

func (b *builder) fail(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf(format, args...))
}

// keyOf returns what the grammar has of a key.
func (b *builder) keyOf(v *value, name, path string) *key {
	k := v.get(name, func(placeholder string) bool {
		return placeholder == "priority" && config.PriorityRank(name) > 0
	})
	if k == nil {
		b.fail("docs/configuration.md does not have the key %s", path)
		return nil
	}
	k.matched = true
	return k
}

// of returns the schema of a key. Whole is whether the mapping around it cannot be divided among files of a directory,
// so that its required keys must be in it.
func (b *builder) of(t reflect.Type, k *key, path string, whole bool) *Schema {
	s := b.valueOf(t, &k.value, path, whole)
	s.describe(k)
	return s
}

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

// texts are the words that may stand in the place of a mapping.
var texts = map[reflect.Type]string{
	reflect.TypeFor[config.Channel]():  "none",
	reflect.TypeFor[config.FailedIf](): "rollback",
}

func (b *builder) valueOf(t reflect.Type, v *value, path string, whole bool) *Schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[config.SecretRef]() {
		return b.secret(v)
	}
	reads := reflect.PointerTo(t).Implements(textType)
	switch {
	case reads && !hasKeys(t):
		return b.scalar(t, v, path)
	case t.Kind() == reflect.Struct:
		if !reads {
			return b.structOf(t, v, path, whole)
		}
		word, ok := texts[t]
		if !ok {
			b.fail("%s may be a text; write which in texts", path)
		}
		if v.get(word, func(string) bool { return false }) == nil { // as {rollback: true}
			v.keys = append(v.keys, &key{name: word, value: value{notations: []string{"<bool>"}}, matched: true})
		}
		s := b.structOf(t, v, path, whole)
		return &Schema{AnyOf: []*Schema{{Type: []string{"string"}, Enum: []any{word}}, s}}
	case t.Kind() == reflect.Map:
		return b.mapOf(t, v, path)
	case t.Kind() == reflect.Slice:
		items := &value{notations: v.notations, keys: v.keys}
		return &Schema{Type: []string{"array", "null"}, Items: b.valueOf(t.Elem(), items, path+"[]", true)}
	}
	return b.scalar(t, v, path)
}

// hasKeys reports whether a type can be written as a mapping.
func hasKeys(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for field := range t.Fields() {
		if key := field.Tag.Get("yaml"); key != "" && key != "-" {
			return true
		}
	}
	return false
}

func (b *builder) structOf(t reflect.Type, v *value, path string, whole bool) *Schema {
	s := &Schema{Type: []string{"object", "null"}, Properties: map[string]*Schema{}, Others: false}
	for field := range t.Fields() {
		name := field.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		k := b.keyOf(v, name, at)
		if k == nil {
			continue
		}
		s.Properties[name] = b.of(field.Type, k, at, whole)
		if whole && k.required && k.single() {
			s.Required = append(s.Required, name)
		}
	}
	slices.Sort(s.Required)
	return s
}

// mapOf returns the schema of names and values. Where the grammar lists the names, there are no others.
func (b *builder) mapOf(t reflect.Type, v *value, path string) *Schema {
	s := &Schema{Type: []string{"object", "null"}, Others: false}
	var others *value
	for _, k := range v.keys {
		k.matched = true
		if !strings.HasPrefix(k.name, "<") {
			// A name that has a meaning of its own among others, such as that of a channel.
			if s.Properties == nil {
				s.Properties = map[string]*Schema{}
			}
			s.Properties[k.name] = nil
			continue
		}
		if others == nil {
			others = &value{}
		}
		others.notations = append(others.notations, k.value.notations...)
		for _, one := range k.value.keys {
			others.add(one)
		}
		s.Names = b.names(k.name, path)
	}
	for _, k := range v.keys {
		if _, named := s.Properties[k.name]; named {
			with := k.value
			if others != nil {
				with = *others
			}
			s.Properties[k.name] = b.valueOf(t.Elem(), &with, path+"."+k.name, true)
			s.Properties[k.name].describe(k)
		}
	}
	if others != nil {
		s.Others = b.valueOf(t.Elem(), others, path+".*", true)
		if s.Names != nil && s.Names.Enum != nil { // so that editors complete the names
			s.Properties = map[string]*Schema{}
			for _, name := range s.Names.Enum {
				s.Properties[name.(string)] = s.Others.(*Schema)
			}
			s.Names, s.Others = nil, false
		}
	}
	if s.Properties == nil && others == nil {
		b.fail("the grammar has no names for %s", path)
	}
	return s
}

// secret returns the schema of a reference to a secret.
func (b *builder) secret(v *value) *Schema {
	for _, k := range v.keys {
		k.matched = true
	}
	text := func(description string) *Schema {
		return &Schema{Type: anyScalar, Description: description}
	}
	return &Schema{
		Type: []string{"object", "null"}, Others: false,
		Properties: map[string]*Schema{
			"file": text("The file that holds the secret."),
			"env":  text("The environment variable that holds the secret."),
		},
		AnyOf: []*Schema{{Type: []string{"null"}}, {Required: []string{"file"}}, {Required: []string{"env"}}},
	}
}

// describe adds what the grammar says about a key.
func (s *Schema) describe(k *key) {
	var sentences []string
	if comment := orRE.ReplaceAllString(k.comment, ""); comment != "" {
		sentences = append(sentences, sentence(strings.ReplaceAll(comment, "default = ", "default: ")))
	}
	if s.Description != "" {
		sentences = append(sentences, s.Description)
	}
	if k.fallback != "" {
		if v, ok := s.fallback(k.fallback); ok {
			s.Default = v
		}
		sentences = append(sentences, sentence("Default: "+k.fallback))
	}
	s.Description = strings.Join(sentences, " ")
}

// wordRE matches a text that begins with a word, and not with a file, a key or a value.
var wordRE = regexp.MustCompile(`^[a-z]+[ ,;:.]`)

func sentence(text string) string {
	if wordRE.MatchString(text + ".") {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}
