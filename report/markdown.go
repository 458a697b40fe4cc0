package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// zoneOf is the time zone of a document, UTC if it has none.
func zoneOf(d *Document) *time.Location {
	if d.Zone == nil {
		return time.UTC
	}
	return d.Zone
}

// WriteMarkdown writes a document as Markdown with the tables of GitHub. Charts are left out: their numbers are in the
// tables.
func WriteMarkdown(w io.Writer, d *Document) error {
	out := bufio.NewWriter(w)
	zone := zoneOf(d)
	fmt.Fprintf(out, "# %s\n\n", escaped(d.Title))
	if d.Subtitle != "" {
		fmt.Fprintf(out, "%s\n\n", escaped(d.Subtitle))
	}
	if d.Verdict != "" {
		fmt.Fprintf(out, "**%s**\n\n", escaped(d.Verdict))
	}
	if len(d.Figures) > 0 {
		fmt.Fprint(out, "| figure | value | |\n|---|---:|---|\n")
		for _, f := range d.Figures {
			fmt.Fprintf(out, "| %s | %s | %s |\n", escaped(f.Title), escaped(withUnit(f, zone)), escaped(f.Note))
		}
		fmt.Fprintln(out)
	}
	for _, s := range d.Sections {
		fmt.Fprintf(out, "## %s\n\n", escaped(s.Title))
		for _, text := range s.Text {
			fmt.Fprintf(out, "%s\n\n", escaped(text))
		}
		switch {
		case s.Table != nil && len(s.Table.Rows) > 0:
			s.Table.readable().markdown(out, zone)
		case s.None != "":
			fmt.Fprintf(out, "%s\n\n", escaped(s.None))
		}
	}
	return out.Flush()
}

func (t *Table) markdown(out io.Writer, zone *time.Location) {
	var line strings.Builder
	for _, c := range t.Columns {
		fmt.Fprintf(out, "| %s ", escaped(c.Title))
	}
	fmt.Fprint(out, "|\n")
	for i := range t.Columns {
		if t.right(i) {
			line.WriteString("|---:")
		} else {
			line.WriteString("|---")
		}
	}
	fmt.Fprintf(out, "%s|\n", line.String())
	for _, row := range t.Rows {
		for _, c := range row {
			if lines, ok := c.(Lines); ok {
				texts := make([]string, len(lines))
				for i, l := range lines {
					texts[i] = escaped(l)
				}
				fmt.Fprintf(out, "| %s ", strings.Join(texts, "<br>"))
				continue
			}
			fmt.Fprintf(out, "| %s ", escaped(read(c, zone)))
		}
		fmt.Fprint(out, "|\n")
	}
	fmt.Fprintln(out)
}

// right reports whether the cells of a column are numbers.
func (t *Table) right(column int) bool {
	for _, row := range t.Rows {
		if column < len(row) && row[column] != nil {
			return numeric(row[column])
		}
	}
	return false
}

func withUnit(f Figure, zone *time.Location) string {
	text := read(f.Value, zone)
	if f.Unit != "" && text != "" {
		text += " " + f.Unit
	}
	return text
}

// Line writes a figure in one line: Availability: 99.950 %.
func Line(d *Document, f Figure) string {
	text := f.Title + ": " + withUnit(f, zoneOf(d))
	if f.Note != "" {
		text += " (" + f.Note + ")"
	}
	return text
}

var markdownEscapes = strings.NewReplacer(
	"\\", "\\\\", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "]", "\\]", "<", "&lt;", "&", "&amp;",
	"#", "\\#", "~", "\\~", "$", "\\$", "\n", " ", "\t", " ",
)

// escaped writes text so that Markdown takes it as it is: names come from registries, and a name must make neither a
// cell, nor a link, nor an element of HTML.
func escaped(text string) string { return markdownEscapes.Replace(plain(text)) }
