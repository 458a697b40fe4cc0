package program

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// pattern matches names below a directory or a prefix: * is anything but a slash, ** anything at all, ? one
// character, {tenant} the tenant, {backup} what the files of one backup have in common.
type pattern struct {
	re             *regexp.Regexp
	tenant, backup int // index of the group, 0 for none
	depth          int // slashes, -1 for any number
}

func newPattern(text string) (*pattern, error) {
	if len(text) > 1000 {
		return nil, errors.New("the pattern is longer than 1000 characters")
	}
	p := &pattern{depth: strings.Count(text, "/")}
	var re strings.Builder
	groups := 0
	capture := func(into *int) error {
		if *into != 0 {
			return fmt.Errorf("pattern %q names a placeholder twice", text)
		}
		groups++
		*into = groups
		re.WriteString("([^/]+)")
		return nil
	}
	for rest := text; rest != ""; {
		var err error
		switch {
		case strings.HasPrefix(rest, "{tenant}"):
			err, rest = capture(&p.tenant), rest[len("{tenant}"):]
		case strings.HasPrefix(rest, "{backup}"):
			err, rest = capture(&p.backup), rest[len("{backup}"):]
		case strings.HasPrefix(rest, "**"):
			p.depth = -1
			re.WriteString(".*")
			rest = rest[2:]
		case rest[0] == '*':
			re.WriteString("[^/]*")
			rest = rest[1:]
		case rest[0] == '?':
			re.WriteString("[^/]")
			rest = rest[1:]
		default:
			re.WriteString(regexp.QuoteMeta(rest[:1]))
			rest = rest[1:]
		}
		if err != nil {
			return nil, err
		}
	}
	compiled, err := regexp.Compile(`^(?s:` + re.String() + `)$`)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", text, err)
	}
	p.re = compiled
	return p, nil
}

// match reports whether a name matches, which tenant it names, and the name up to the end of {backup}, which all
// files of that backup share.
func (p *pattern) match(name string) (tenant, backup string, ok bool) {
	m := p.re.FindStringSubmatchIndex(name)
	if m == nil {
		return "", "", false
	}
	if p.tenant > 0 {
		tenant = name[m[2*p.tenant]:m[2*p.tenant+1]]
	}
	if p.backup > 0 {
		backup = name[:m[2*p.backup+1]]
	}
	return tenant, backup, true
}

// marked returns the name of the marker that belongs to a backup.
func marked(marker, name string) string {
	if !strings.Contains(marker, "{name}") {
		return name + "/" + marker // a file inside
	}
	return strings.ReplaceAll(marker, "{name}", name)
}
