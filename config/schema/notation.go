package schema

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// notation is what words in angle brackets stand for.
type notation struct {
	meaning  string
	pattern  string
	enum     []string
	examples []string
}

const (
	namePattern   = `^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`
	intPattern    = `^[+-]?[0-9]+$`
	numberPattern = `^[+-]?[0-9.]+([eE][+-]?[0-9]+)?$`
	boolPattern   = `^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$`
	// Prometheus' notation, the units from the largest to the smallest.
	durationPattern = `^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$`
	ratioPattern    = `^\s*\+?[0-9.]+\s*%?\s*$`
	bytesPattern    = `^\s*\+?[0-9.]+\s*(B|[kKMGT]B|[KMGT]iB)?\s*$`
	datePattern     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
	timePattern     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$`
	zonePattern     = `^[A-Za-z][A-Za-z0-9_+/-]*$`
	clockPattern    = `^\s*[0-9]{1,2}:[0-9]{2}\s*$`
)

// notations lists the words of the grammar. Those of a type, such as <duration>, are in scalar.
var notations = map[string]notation{
	"name": {
		meaning: "Letters, digits, dot, dash and underscore, at most 63, a letter or digit first.", pattern: namePattern,
	},
	"priority":                       {meaning: "P1 is the most urgent.", enum: config.Priorities},
	"field":                          {enum: config.EventFields},
	"uid":                            {meaning: "The uid of a dashboard.", enum: metric.Dashboards},
	"secondary, manager or everyone": {enum: config.Layers},
	"service":                        {meaning: "The name of a service under services."},
	"channel":                        {meaning: "The name of a channel under channels."},
	"owner":                          {meaning: "The name of an owner under owners."},
	"tier":                           {meaning: "The name of a tier under tiers."},
	"tenant":                         {meaning: "The name of a tenant.", pattern: namePattern},
	"person":                         {meaning: "The name of a person under procedures.people."},
	"backup":                         {meaning: "The name of a backup under backups."},
	"module": {
		meaning:  "The name of a module of the modules file, or of a built-in one.",
		examples: []string{"http_2xx", "tcp_connect"},
	},
	"file":                        {meaning: "The name of a file, relative to the file that mentions it."},
	"directory":                   {meaning: "The name of a directory."},
	"IANA zone":                   {meaning: "A time zone.", pattern: zonePattern, examples: []string{"Europe/Berlin"}},
	"time of day":                 {meaning: "A time of day.", pattern: clockPattern, examples: []string{"09:00"}},
	"URL":                         {meaning: "An address that begins with http:// or https://."},
	"http(s) URL":                 {meaning: "An address that begins with http:// or https://."},
	"target":                      {meaning: "What is probed: an address of the kind that the module takes."},
	"variable":                    {meaning: "The name of an environment variable."},
	"ISO 4217":                    {meaning: "The three letters of a currency.", examples: []string{"EUR", "USD"}},
	"owner/name":                  {pattern: `^[^\s/]+/[^\s/]+$`, examples: []string{"acme/shop"}},
	"id":                          {pattern: `^\S+$`},
	"regexp":                      {},
	"E.164":                       {meaning: "A telephone number.", examples: []string{"+4930123456"}},
	"PromQL over $window":         {meaning: "An expression of PromQL in which $window stands for the range."},
	"SQL that returns one number": {meaning: "A statement of SQL that returns one number."},
	"twenty lower-case letters":   {meaning: "Twenty lower-case letters."},

	// Texts of which the key or its comment says enough.
	"string": {}, "host": {}, "SQL": {}, "regular expression": {}, "key": {}, "header": {}, "path": {}, "domain": {},
	"address": {}, "ARN": {}, "title": {}, "suffix": {}, "program": {}, "prefix": {}, "pattern": {}, "path or number": {},
	"path below the scratch directory": {}, "name=value": {}, "name or ID": {}, "host:port": {}, "glob": {},
	"file or glob": {}, "file name": {}, "expression": {}, "compute size": {}, "collector": {}, "address or network": {},
	"OnCalendar line": {},
}

// anyScalar are the types of a text: what looks like a number is one too.
var anyScalar = []string{"string", "number", "boolean", "null"}

// values are the schemas of the types that read a text.
var values = map[reflect.Type]Schema{
	reflect.TypeFor[config.Duration](): {
		Type: []string{"string", "integer", "null"}, Pattern: durationPattern, Minimum: new(0.0), Maximum: new(0.0),
		Description: "A duration.", Examples: []string{"30s", "5m", "1h30m", "30d"},
	},
	reflect.TypeFor[config.Ratio](): {
		Type: []string{"string", "number", "null"}, Pattern: ratioPattern, Above: new(0.0), Below: new(1.0),
		Description: "More than 0 and less than 100%.", Examples: []string{"99.9%", "0.999"},
	},
	reflect.TypeFor[config.Share](): {
		Type: []string{"string", "number", "null"}, Pattern: ratioPattern, Above: new(0.0), Maximum: new(1.0),
		Description: "More than 0 and at most 100%.", Examples: []string{"25%", "0.25"},
	},
	reflect.TypeFor[config.Bytes](): {
		Type: []string{"string", "number", "null"}, Pattern: bytesPattern, Minimum: new(0.0),
		Description: "A number of bytes.", Examples: []string{"64KiB", "125MB", "10GiB"},
	},
	reflect.TypeFor[config.Date](): {
		Type: []string{"string", "null"}, Pattern: datePattern, Examples: []string{"2027-03-01"},
	},
	reflect.TypeFor[config.Time](): {
		Type: []string{"string", "null"}, Pattern: timePattern, Examples: []string{"2026-01-31T22:00:00+01:00"},
	},
	reflect.TypeFor[config.Regexp](): {
		Type: anyScalar, Description: "A regular expression of RE2 that matches the whole text.",
	},
}

// scalar returns the schema of a single value. Wherever one stands, nothing may, which leaves the default; a text may
// be written as a number, and a number as a text.
func (b *builder) scalar(t reflect.Type, v *value, path string) *Schema {
	if len(v.keys) > 0 {
		b.fail("docs/configuration.md has keys below %s, which is a single value", path)
	}
	if known, ok := values[t]; ok {
		return &known
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return &Schema{
			Type: []string{"boolean", "string", "integer", "null"}, Pattern: boolPattern, Minimum: new(0.0), Maximum: new(1.0),
		}
	case reflect.Int:
		return &Schema{Type: []string{"integer", "string", "null"}, Pattern: intPattern}
	case reflect.Float64:
		return &Schema{Type: []string{"number", "string", "null"}, Pattern: numberPattern}
	}
	return b.text(v, path)
}

// text returns the schema of a text by the notations that the grammar has for it.
func (b *builder) text(v *value, path string) *Schema {
	s := &Schema{Type: anyScalar}
	var words []string
	for _, n := range v.notations {
		n = strings.Trim(n, `"`)
		if !strings.HasPrefix(n, "<") {
			words = append(words, n)
			continue
		}
		known, ok := notations[strings.Trim(n, "<>")]
		if !ok {
			b.fail("the notation %s of %s has no meaning; write it in notations", n, path)
		}
		s.Description, s.Pattern, s.Examples = known.meaning, known.pattern, known.examples
		if known.pattern != "" && !regexp.MustCompile(known.pattern).MatchString("1") {
			s.Type = []string{"string", "null"}
		}
		if known.enum != nil {
			s.oneOf(known.enum)
		}
	}
	switch {
	case len(v.notations) == 0:
		b.fail("the grammar does not say what %s is", path)
	case len(words) == len(v.notations) && len(words) > 1 && !strings.HasSuffix(path, "[]"):
		s.oneOf(words)
	case len(words) > 0:
		s.Examples = words
	}
	return s
}

func (s *Schema) oneOf(words []string) {
	s.Type = []string{"string", "null"}
	for _, word := range words {
		s.Enum = append(s.Enum, word)
	}
	s.Enum = append(s.Enum, nil)
}

// names returns the schema of the names that a placeholder such as <tier> stands for, nil for any.
func (b *builder) names(placeholder, path string) *Schema {
	known, ok := notations[strings.Trim(placeholder, "<>")]
	switch {
	case !ok:
		b.fail("the notation %s of %s has no meaning; write it in notations", placeholder, path)
	case known.enum != nil:
		s := &Schema{}
		for _, word := range known.enum {
			s.Enum = append(s.Enum, word)
		}
		return s
	case known.pattern != "":
		return &Schema{Pattern: known.pattern}
	}
	return nil
}

// fallback returns a default of the grammar as a value of the schema, and whether it is one.
func (s *Schema) fallback(text string) (any, bool) {
	switch {
	case len(s.Type) == 0 || s.Type[0] == "array" || s.Type[0] == "object":
		return nil, false
	case s.Type[0] == "boolean":
		b, err := strconv.ParseBool(text)
		return b, err == nil
	case s.Type[0] == "integer":
		n, err := strconv.Atoi(text)
		return n, err == nil
	case s.Type[0] == "number":
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	case s.Enum != nil:
		return text, slices.Contains(s.Enum, any(text))
	case s.Pattern != "":
		return text, regexp.MustCompile(s.Pattern).MatchString(text)
	}
	return text, !strings.ContainsAny(text, " ,;{}")
}
