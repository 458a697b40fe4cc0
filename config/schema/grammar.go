package schema

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// grammarText is the grammar of the policy, as docs/configuration.md has it; make generate copies it from there.
//
//go:embed grammar.txt
var grammarText string

// key is a key of the grammar with what is written about it.
type key struct {
	name     string // or what stands for names, such as <tier>
	required bool
	value    value
	fallback string // what holds where the key is not written
	comment  string
	line     int
	matched  bool
	forms    int // of the list, in how many of whose forms the key is
}

// value is what stands behind a key: one of the notations, a mapping or a list.
type value struct {
	notations []string
	keys      []*key
	list      bool
	forms     int // of the items of a list
}

// single reports whether a single value or a reference to a secret stands behind the key. Mappings and lists are
// optional without brackets.
func (k *key) single() bool {
	return len(k.value.notations) > 0 && !k.value.list ||
		slices.ContainsFunc(k.value.keys, func(one *key) bool { return one.name == "file" && len(k.value.keys) == 1 })
}

// get returns the key of a name, else the one that stands for names, nil without either.
func (v *value) get(name string, stands func(placeholder string) bool) *key {
	var any *key
	for _, k := range v.keys {
		if k.name == name {
			return k
		}
		if strings.HasPrefix(k.name, "<") && stands(strings.Trim(k.name, "<>")) {
			any = k
		}
	}
	return any
}

// add adds a key, or what a second form of it has to the first.
func (v *value) add(k *key) *key {
	for _, old := range v.keys {
		if old.name == k.name {
			old.required = old.required && k.required
			old.forms++
			for _, one := range k.value.keys {
				old.value.add(one)
			}
			return old
		}
	}
	k.forms = 1
	v.keys = append(v.keys, k)
	return k
}

// level is a mapping whose keys are indented alike.
type level struct {
	indent int
	value  *value
	last   []*key // of the line read last
}

// continued is the column from which a line of comment alone continues that of the line before.
const continued = 30

// parseGrammar reads the notation of docs/configuration.md: YAML in which an optional key stands in brackets, words in
// angle brackets stand for values, and a comment belongs to the keys of its line.
func parseGrammar(text string) (*value, error) {
	root := &value{}
	levels := []*level{{indent: 0, value: root}}
	heading := ""
	for n, line := range strings.Split(text, "\n") {
		content, comment := splitComment(line)
		trimmed := strings.TrimLeft(content, " ")
		indent := len(content) - len(trimmed)
		trimmed = strings.TrimRight(trimmed, " ")
		if trimmed == "" {
			if comment != "" && strings.Index(line, "#") < continued {
				heading = comment
			} else if comment != "" {
				describe(levels[len(levels)-1], comment)
			}
			continue
		}
		for len(levels) > 1 && levels[len(levels)-1].indent > indent {
			levels = levels[:len(levels)-1]
		}
		current := levels[len(levels)-1]
		if indent > current.indent {
			if len(current.last) != 1 {
				return nil, fmt.Errorf("line %d of the grammar is below no single key", n+1)
			}
			current = &level{indent: indent, value: &current.last[0].value}
			levels = append(levels, current)
		}
		if item, ok := strings.CutPrefix(trimmed, "- "); ok {
			list := current.value
			list.list = true
			list.forms++
			if inner, flow := cutBrackets(item, '{', '}'); flow {
				keys, err := parseEntries(inner, n+1)
				if err != nil {
					return nil, err
				}
				current.last = nil
				for _, k := range keys {
					current.last = append(current.last, list.add(k))
				}
				current.comment(comment, heading)
				heading = ""
				continue
			}
			current = &level{indent: indent + 2, value: list}
			levels = append(levels, current)
			trimmed = item
		}
		keys, err := parseEntries(trimmed, n+1)
		if err != nil {
			return nil, err
		}
		current.last = nil
		for _, k := range keys {
			current.last = append(current.last, current.value.add(k))
		}
		current.comment(comment, heading)
		heading = ""
	}
	finish(root)
	return root, nil
}

// finish requires of a list with several forms only what all of them have.
func finish(v *value) {
	for _, k := range v.keys {
		if v.list && k.forms < v.forms {
			k.required = false
		}
		finish(&k.value)
	}
}

var (
	// alternativeRE finds keys that a comment permits in place of those of its line.
	alternativeRE = regexp.MustCompile(`(?:^|[;,] )or ([a-z_]+: <[^>]+>(?: and [a-z_]+: <[^>]+>)*)`)
	// orRE ends the comment of a key whose alternative is the next one.
	orRE = regexp.MustCompile(`(?:^|[,;] )or$`)
)

// comment adds the comment of a line to its keys.
func (l *level) comment(text, heading string) {
	if len(l.value.keys) > len(l.last) {
		previous := l.value.keys[len(l.value.keys)-len(l.last)-1]
		if orRE.MatchString(previous.comment) {
			for _, k := range l.last {
				k.required = false
			}
		}
	}
	for _, k := range l.last {
		k.comment = joinText(heading, joinText(k.comment, text))
		if orRE.MatchString(text) {
			k.required = false
		}
	}
	m := alternativeRE.FindStringSubmatch(text)
	if m == nil || len(l.last) == 0 {
		return
	}
	l.last[0].required = false
	for entry := range strings.SplitSeq(m[1], " and ") {
		if k, err := parseEntry(entry, l.last[0].line); err == nil {
			k.required, k.comment = false, "in place of "+l.last[0].name
			l.value.add(k)
		}
	}
}

// describe adds a line of comment alone to what the keys before it say.
func describe(l *level, text string) {
	for _, k := range l.last {
		k.comment = joinText(k.comment, text)
	}
}

func joinText(a, b string) string { return strings.TrimSpace(a + " " + b) }

// splitComment divides a line at the # that begins its comment.
func splitComment(line string) (content, comment string) {
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '#' && !quoted && (i == 0 || line[i-1] == ' '):
			return line[:i], strings.TrimSpace(line[i+1:])
		}
	}
	return line, ""
}

// parseEntries reads keys: key: value, [ key: value | default = text ] and several of them with or without commas.
func parseEntries(text string, line int) (keys []*key, err error) {
	for _, part := range splitTop(text, ",") {
		alternatives := splitTop(part, " | ")
		if len(alternatives) < 2 || !entryRE.MatchString(strings.TrimSpace(alternatives[1])) {
			alternatives = []string{part}
		}
		for _, one := range alternatives {
			one = strings.TrimSpace(one)
			for one != "" && one != "..." {
				inner, rest, optional := cutOptional(one)
				k, err := parseEntry(inner, line)
				if err != nil {
					return nil, err
				}
				k.required = k.required && !optional && len(alternatives) == 1
				keys = append(keys, k)
				one = strings.TrimSpace(rest)
			}
		}
	}
	return keys, nil
}

var entryRE = regexp.MustCompile(`^[a-z_]+: `)

// cutOptional returns the content of the brackets that begin a text and what is behind them, else the whole text.
func cutOptional(text string) (inner, rest string, optional bool) {
	if !strings.HasPrefix(text, "[") {
		return text, "", false
	}
	end := closing(text)
	if end < 0 {
		return text, "", false
	}
	return strings.TrimSpace(text[1:end]), text[end+1:], true
}

func parseEntry(text string, line int) (*key, error) {
	name, rest, ok := cutKey(text)
	if !ok {
		return nil, fmt.Errorf("line %d of the grammar: no key in %q", line, text)
	}
	k := &key{name: name, line: line}
	parts := splitTop(rest, " | ")
	for i, part := range parts {
		if text, ok := strings.CutPrefix(strings.TrimSpace(part), "default = "); ok {
			k.fallback = strings.TrimSpace(text + strings.Join(parts[i+1:], " | "))
			parts = parts[:i]
			break
		}
	}
	for _, part := range parts {
		if err := k.value.parse(strings.TrimSpace(part), line); err != nil {
			return nil, err
		}
	}
	k.required = k.fallback == ""
	return k, nil
}

// cutKey divides an entry at the colon behind its key, which may hold one itself between angle brackets.
func cutKey(text string) (name, rest string, ok bool) {
	begin := 0
	if strings.HasPrefix(text, "<") {
		begin = strings.Index(text, ">")
	}
	i := strings.Index(text[max(begin, 0):], ":")
	if begin < 0 || i < 0 {
		return "", "", false
	}
	return text[:begin+i], strings.TrimSpace(text[begin+i+1:]), true
}

// parse adds what one text permits to a value.
func (v *value) parse(text string, line int) error {
	switch {
	case text == "":
		return nil
	case text[0] == '{':
		inner, _ := cutBrackets(text, '{', '}')
		keys, err := parseEntries(inner, line)
		for _, k := range keys {
			v.add(k)
		}
		return err
	case text[0] == '[':
		inner, _ := cutBrackets(text, '[', ']')
		v.list = true
		for _, item := range splitTop(inner, ",") {
			item = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(item), "..."))
			if strings.HasPrefix(item, "{") {
				v.forms++
			}
			if err := v.parse(item, line); err != nil {
				return err
			}
		}
		return nil
	}
	v.notations = append(v.notations, text)
	return nil
}

func cutBrackets(text string, begin, end byte) (inner string, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] != begin || text[len(text)-1] != end {
		return text, false
	}
	return strings.TrimSpace(text[1 : len(text)-1]), true
}

// closing returns the place of the bracket that closes the one at the beginning, -1 without it.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// splitTop divides a text at a separator outside brackets and quotes.
func splitTop(text, separator string) (parts []string) {
	depth, from, quoted := 0, 0, false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case strings.IndexByte("[{<", c) >= 0:
			depth++
		case strings.IndexByte("]}>", c) >= 0:
			depth--
		case depth == 0 && i >= from && strings.HasPrefix(text[i:], separator):
			parts = append(parts, text[from:i])
			from = i + len(separator)
		}
	}
	return append(parts, text[from:])
}

// unmatched returns the keys of a grammar that no type of the policy has.
func (v *value) unmatched(path string) (missing []string) {
	for _, k := range v.keys {
		at := strings.TrimPrefix(path+"."+k.name, ".")
		if !k.matched {
			missing = append(missing, at)
			continue
		}
		missing = append(missing, k.value.unmatched(at)...)
	}
	return slices.Compact(missing)
}
