package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

//go:embed page.css
var style string

// page is the template of a document. It escapes every text by where it stands; the style is ours alone.
var page = template.Must(template.New("report").Parse(pageText))

// htmlDocument is a document as the template reads it.
type htmlDocument struct {
	*Document
	Style    template.CSS
	Figures  []htmlFigure
	Sections []htmlSection
}

type htmlFigure struct {
	Title, Value, Unit, Note string
	Level                    Level
}

type htmlSection struct {
	Section
	Drawing *drawing
	Head    []htmlColumn
	// Rows are written without the template, which takes ten times as long for thousands of cells. Every text in them is
	// escaped by cell.write.
	Rows template.HTML
}

type htmlColumn struct {
	Title string
	Right bool
}

// WriteHTML writes a document as one page that needs nothing else: no script, no font, no picture.
func WriteHTML(w io.Writer, d *Document) error {
	zone := zoneOf(d)
	h := htmlDocument{Document: d, Style: template.CSS(style)}
	for _, f := range d.Figures {
		h.Figures = append(h.Figures, htmlFigure{f.Title, read(f.Value, zone), f.Unit, f.Note, f.Level})
	}
	for _, s := range d.Sections {
		one := htmlSection{Section: s}
		if s.Chart != nil {
			one.Drawing = s.Chart.draw()
		}
		if s.Table != nil && len(s.Table.Rows) > 0 {
			one.table(s.Table.readable(), zone)
		}
		h.Sections = append(h.Sections, one)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, h); err != nil {
		return err
	}
	_, err := w.Write(bytes.ToValidUTF8(b.Bytes(), []byte("\uFFFD")))
	return err
}

func (s *htmlSection) table(t *Table, zone *time.Location) {
	for i, c := range t.Columns {
		s.Head = append(s.Head, htmlColumn{c.Title, t.right(i)})
	}
	var b strings.Builder
	for _, row := range t.Rows {
		b.WriteString("<tr>")
		for i, c := range row {
			cell := cellOf(c, zone)
			cell.title, cell.right = t.Columns[i].Title, s.Head[i].Right
			cell.write(&b)
		}
		b.WriteString("</tr>\n")
	}
	s.Rows = template.HTML(b.String())
}
