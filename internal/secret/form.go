package secret

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Shortest lengths of parts of a secret that are masked by themselves.
const (
	minLine = 8  // a line of several, such as of a private key
	minPath = 16 // the path of an address that is a secret, such as of a webhook
)

var (
	// schemeRE is the value of an Authorization header.
	schemeRE = regexp.MustCompile(`^(?i:bearer|basic|token|apikey|key|digest)\s+(?:token=)?(\S+)$`)
	// settingRE finds passwords in connection strings of keywords and values.
	settingRE = regexp.MustCompile(`(?i)\b(?:\w*password|pwd|secret|token|\w*key)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s;&'"]+)`)
)

// forms returns the spellings in which a secret may appear, and those of its parts that are secrets themselves.
func forms(value string) []string {
	var all []string
	for _, part := range parts(value) {
		all = append(all, spellings(part)...)
	}
	return all
}

// parts returns the secret, and what in it is one.
func parts(value string) []string {
	trimmed := strings.TrimSpace(value)
	list := []string{value, trimmed}
	if lines := strings.Split(trimmed, "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= minLine {
				list = append(list, line)
			}
		}
	}
	if m := schemeRE.FindStringSubmatch(trimmed); m != nil {
		list = append(list, m[1])
		if text, err := base64.StdEncoding.DecodeString(m[1]); err == nil {
			if _, password, ok := strings.Cut(string(text), ":"); ok {
				list = append(list, string(text), password)
			}
		}
	}
	for _, m := range settingRE.FindAllStringSubmatch(trimmed, -1) {
		list = append(list, m[1])
		if quoted, ok := strings.CutPrefix(m[1], "'"); ok {
			list = append(list, strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(strings.TrimSuffix(quoted, "'")))
		}
	}
	if u, err := url.Parse(trimmed); err == nil && u.Scheme != "" && u.Host != "" {
		if password, ok := u.User.Password(); ok {
			list = append(list, password)
		}
		if len(u.EscapedPath()) >= minPath {
			list = append(list, u.EscapedPath())
		}
		if len(u.RawQuery) >= wordLength {
			list = append(list, u.RawQuery)
		}
	}
	long := list[:0]
	for _, part := range list {
		if len(part) >= minLength {
			long = append(long, part)
		}
	}
	return long
}

// spellings returns a text as it is, and as addresses, HTML, JSON, logs and headers spell it.
func spellings(text string) []string {
	list := []string{
		text, html.EscapeString(text), htmlTemplate.Replace(text), url.QueryEscape(text), url.PathEscape(text),
		url.UserPassword("", text).String()[1:], strings.Trim(strconv.Quote(text), `"`),
		base64.StdEncoding.EncodeToString([]byte(text)),
	}
	for _, escaped := range list[3:6] {
		list = append(list, percentRE.ReplaceAllStringFunc(escaped, strings.ToLower))
	}
	for _, escape := range []bool{true, false} {
		var b strings.Builder
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(escape)
		if encoder.Encode(text) == nil {
			list = append(list, strings.Trim(b.String(), "\"\n"))
		}
	}
	return list
}

var (
	percentRE = regexp.MustCompile(`%[0-9A-F]{2}`)
	// htmlTemplate escapes as package html/template does.
	htmlTemplate = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "+", "&#43;")
)
