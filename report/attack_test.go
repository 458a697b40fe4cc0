package report

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// attacks are names that try to become an element, an attribute, a formula, another cell, or to be read as another.
var attacks = []string{
	hostile, "<script>alert(1)</script>", "</span></td></table><script>alert(1)</script>", `" onmouseover="alert(1)`,
	"' onmouseover='alert(1)", "` onmouseover=`alert(1)", `"><svg/onload=alert(1)>`, "</style><svg onload=1>",
	"</title><img src=x onerror=alert(1)>", "<!--", "]]>", "&lt;b&gt;", "&#60;b&#62;", "javascript:alert(1)",
	"\x00<b>", "a\x00b", "\x1b[31mred", "\x7f", "\xff\xfe<b>", "\xc0\xbcscript\xc0\xbe", "caf\xe9", "\xed\xa0\x80",
	"+ADw-script+AD4-", "evil\u202Egnp.exe", "\u2066x", "\uFEFF=1+1", "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)",
	" =1+1", "\t=1+1", "\r=1+1", "\n=1+1", "\u200b=1+1", "\uFF1D1+1", "ok;=1+1", "ok\t=1+1", "ok; =1+1", "a,b", `a"b`,
	"a\nb", " spaces ", "$x$", "",
}

// attackDocument has a text everywhere where one can be.
func attackDocument(text string) *Document {
	return &Document{
		Title: text, Subtitle: text, Verdict: text,
		Figures: []Figure{{Key: "k", Title: text, Value: text, Unit: text, Note: text}},
		Sections: []Section{
			{
				Key: "s", Title: text, Text: []string{text}, None: text,
				Chart: &Chart{
					Title: text, Unit: text, Labels: []string{text},
					Series: []Series{{Name: text, Kind: text, Values: []float64{1}}},
				},
				Table: &Table{
					Columns: []Column{
						{Key: "c", Title: text}, {Key: "d", Title: text}, {Key: "e", Title: text}, {Key: "f", Title: text},
					},
					Rows: [][]Cell{{text, Lines{text, text}, Date(text), nil}},
				},
			},
			{Key: "n", Title: text, Table: &Table{}, None: text},
		},
	}
}

// shape is a page without its texts: its elements, each with the names of its attributes.
func shape(t *testing.T, page string) (elements, texts []string) {
	t.Helper()
	tokens := html.NewTokenizer(strings.NewReader(page))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			return elements, texts
		case html.TextToken:
			texts = append(texts, tokens.Token().Data)
		default:
			token := tokens.Token()
			one := token.Type.String() + " " + token.Data
			for _, a := range token.Attr {
				one += " " + a.Key
				if a.Key == "data-title" {
					texts = append(texts, a.Val)
				}
			}
			// A long word has a class, and no more.
			elements = append(elements, strings.Replace(one, "td class data-title", "td data-title", 1))
		}
	}
}

// Whatever a name is, the page has the elements and attributes that it has with a harmless one, and shows the name.
func TestAttacksOnThePage(t *testing.T) {
	page := func(name string) string {
		text, err := Text("html", attackDocument(name), nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	harmless, _ := shape(t, page("name"))
	for _, attack := range attacks {
		text := page(attack)
		if !utf8.ValidString(text) {
			t.Errorf("%q: the page is not valid UTF-8", attack)
		}
		if attack == "" {
			continue // empty parts are left out
		}
		elements, texts := shape(t, text)
		if !slices.Equal(elements, harmless) {
			t.Errorf("%q changes the elements of the page", attack)
		}
		shown := 0
		for _, one := range texts {
			if one == plain(attack) {
				shown++
			}
		}
		if want := 4 + 4; shown < want { // titles of columns, and cells
			t.Errorf("%q is shown %d times, want at least %d: %q", attack, shown, want, texts)
		}
	}
}

// No cell of CSV is a formula, whatever separates cells, and a program reads the name as it was.
func TestAttacksOnCSV(t *testing.T) {
	for _, attack := range attacks {
		text, err := Text("csv", attackDocument(attack), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(text) {
			t.Errorf("%q: not valid UTF-8", attack)
		}
		for _, separator := range ",;\t" {
			in := csv.NewReader(strings.NewReader(string(text)))
			in.Comma, in.FieldsPerRecord, in.LazyQuotes = separator, -1, true
			records, err := in.ReadAll()
			if err != nil {
				t.Fatalf("%q, separated by %q: %v", attack, separator, err)
			}
			for _, record := range records {
				for _, cell := range record {
					if formula(cell) {
						t.Errorf("%q, separated by %q: cell %q", attack, separator, cell)
					}
				}
			}
			if read := records[1][min(2, len(records[1])-1)]; separator == ',' && read != inert(plain(attack)) {
				t.Errorf("%q is read as %q", attack, read)
			}
		}
	}
}

// A name takes one cell of a table of Markdown, and makes no line.
func TestAttacksOnMarkdown(t *testing.T) {
	lines := func(name string) int {
		text, err := Text("md", attackDocument(name), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(text) || strings.ContainsAny(string(text), "\x00\x1b\r\u202E") ||
			strings.Contains(string(text), "<s") {
			t.Errorf("%q: %s", name, text)
		}
		return strings.Count(string(text), "\n")
	}
	want := lines("name")
	for _, attack := range attacks {
		if got := lines(attack); attack != "" && got != want {
			t.Errorf("%q makes %d lines, want %d", attack, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"name": "name", "Größe": "Größe", "a\r\nb": "a \nb", "a\x00": "a\uFFFD", "\xff": "\uFFFD", "\u202Ea": "\uFFFDa",
		"\x7f": "\uFFFD",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestInert(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "name": "name", "a-b": "a-b", "=1": "'=1", " =1": "' =1", "a;=1;-2;b": "a;'=1;'-2;b", "\t=1": "'\t'=1",
		"a, b; c": "a, b; c", "\u200b@x": "'\u200b@x",
	} {
		if got := inert(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Whatever a name is, it changes neither the elements of a page, nor makes it a formula or invalid UTF-8.
func FuzzAttacks(f *testing.F) {
	for _, attack := range attacks {
		f.Add(attack)
	}
	harmless, err := Text("html", attackDocument("name"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" {
			return // empty parts are left out
		}
		for _, format := range []string{"html", "md", "csv"} {
			text, err := Text(format, attackDocument(name), nil)
			if err != nil || !utf8.Valid(text) {
				t.Errorf("%s of %q: %v", format, name, err)
			}
			if format != "html" {
				continue
			}
			want, _ := shape(t, string(harmless))
			if got, _ := shape(t, string(text)); !slices.Equal(got, want) {
				t.Errorf("%q changes the elements of the page", name)
			}
		}
		for part := range strings.SplitSeq(strings.ReplaceAll(inert(plain(name)), "\t", ";"), ";") {
			if formula(part) {
				t.Errorf("%q has the formula %q", name, part)
			}
		}
	})
}
