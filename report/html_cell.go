package report

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cell is a cell of a table as HTML shows it.
type cell struct {
	title string // of the column, where the table is a list on a narrow screen
	lines []string
	right bool
	whole bool // its lines are not to be broken
	// bar is a share of a limit in percent, to be drawn, -1 for none.
	bar   float64
	level Level
}

// longWord is how long a word may be in a column: dates and names are shorter, hashes and addresses are not.
const longWord = 28

func long(text string) bool {
	return slices.ContainsFunc(strings.Fields(text), func(word string) bool { return len(word) > longWord })
}

// cellOf returns a cell without what its column says of it.
func cellOf(c Cell, zone *time.Location) cell {
	out := cell{bar: -1}
	switch v := c.(type) {
	case Lines:
		out.lines = v
		out.whole = !slices.ContainsFunc(v, func(line string) bool { return len(line) > longWord })
	case Date:
		out.lines, out.whole = []string{string(v)}, true
	case time.Time:
		if text := read(v, zone); text != "" {
			date, clock, _ := strings.Cut(text, " ")
			out.lines, out.whole = []string{date, clock}, true
		}
	case Bar:
		out.bar, out.lines = min(max(float64(v)*100, 0), 100), []string{read(v, zone)}
		switch {
		case v >= 0.9:
			out.level = LevelBad
		case v >= 0.7:
			out.level = LevelWarning
		}
	default:
		if text := read(c, zone); text != "" {
			out.lines = []string{text}
		}
	}
	return out
}

// write writes the cell. What it did not make itself, it escapes.
func (c *cell) write(b *strings.Builder) {
	b.WriteString("<td")
	switch {
	case c.right:
		b.WriteString(` class="right"`)
	case slices.ContainsFunc(c.lines, long):
		b.WriteString(` class="long"`)
	case c.whole:
		b.WriteString(` class="whole"`)
	}
	b.WriteString(` data-title="`)
	b.WriteString(template.HTMLEscapeString(plain(c.title)))
	b.WriteString(`">`)
	if len(c.lines) > 0 {
		b.WriteString("<span>")
		if c.bar >= 0 {
			b.WriteString(`<meter class="` + string(c.level) + `" min="0" max="100" value="` +
				strconv.FormatFloat(c.bar, 'f', 1, 64) + `"></meter> `)
		}
		for i, line := range c.lines {
			if i > 0 {
				b.WriteString("<br>")
			}
			b.WriteString(template.HTMLEscapeString(plain(line)))
		}
		b.WriteString("</span>")
	}
	b.WriteString("</td>")
}
