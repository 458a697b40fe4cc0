package exporter

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// statusPage is the status as the template renders it.
type statusPage struct {
	status
	Troubles []trouble // what the page begins with
	Parts    []part
	Down     bool // an outage is open
}

// trouble leads to a section with something that is not well.
type trouble struct {
	Key, Text string
	Level     collectors.Level
}

// part is a section as it is rendered.
type part struct {
	collectors.Section
	Level  collectors.Level
	Tables []statusRow
}

// statusRow is a row as it is rendered, or what to do about the rows before it.
type statusRow struct {
	Level collectors.Level
	Cells []cell
	Cure  string
}

// cell is a value as it is rendered.
type cell struct {
	Label, Class, Text, Title, Detail string
	Cut                               bool // where it is too long for its place
}

func newStatusPage(s status) statusPage {
	p := statusPage{status: s}
	for _, section := range s.Sections {
		worst, n := level(&section)
		if worst != collectors.LevelOK {
			text := fmt.Sprintf("%s: %d", section.Title, n)
			if section.More > 0 && n == len(section.Rows) {
				text += " and more"
			}
			p.Troubles = append(p.Troubles, trouble{section.Key, text, worst})
		}
		p.Down = p.Down || section.Key == "outages" && len(section.Rows) > 0
		if len(section.Rows) == 0 && section.None == "" {
			continue
		}
		p.Parts = append(p.Parts, part{Section: section, Level: worst, Tables: rowsOf(&section, s.Now)})
	}
	return p
}

// rowsOf renders the rows of a section. A cure stands once below the rows that it is for.
func rowsOf(s *collectors.Section, now time.Time) []statusRow {
	var rows []statusRow
	for i, r := range s.Rows {
		row := statusRow{Level: r.Level}
		for j, v := range r.Cells {
			c := newCell(v, r.Level, now)
			c.Label = s.Columns[j].Title
			row.Cells = append(row.Cells, c)
		}
		rows = append(rows, row)
		if r.Cure != "" && (i == len(s.Rows)-1 || s.Rows[i+1].Cure != r.Cure) {
			rows = append(rows, statusRow{Level: r.Level, Cure: r.Cure})
		}
	}
	return rows
}

// Classes of cells.
const (
	classShort  = "short"  // never wraps
	classNumber = "number" // the same, to the right
	classCode   = "code"   // is cut off
	classLong   = "long"   // wraps anywhere
)

// longText is from where on a text may hold a word that is wider than its column, longDetail from where on a narrow
// column would make a detail tall.
const (
	longText   = 40
	longDetail = 30
)

func newCell(v any, l collectors.Level, now time.Time) cell {
	switch v := v.(type) {
	case nil:
		return cell{}
	case string:
		if len(v) > longText {
			return cell{Text: v, Class: classLong}
		}
		return cell{Text: v}
	case collectors.State:
		return cell{Text: string(v), Class: "state " + string(l)}
	case collectors.Code:
		return cell{Text: string(v), Title: string(v), Class: classCode, Cut: v != ""}
	case collectors.Explained:
		c := newCell(v.Text, l, now)
		if c.Detail = v.Detail; len(c.Detail) > longDetail {
			c.Class = strings.TrimSpace(c.Class + " wide")
		}
		return c
	case bool:
		if v {
			return cell{Text: "yes", Class: classShort}
		}
		return cell{Text: "no", Class: classShort}
	case time.Time:
		return timeCell(v, now)
	case time.Duration:
		return cell{Text: lasting(v), Title: v.String(), Class: classNumber}
	case collectors.Bytes:
		return cell{Text: size(int64(v)), Title: grouped(strconv.FormatInt(int64(v), 10)) + " bytes", Class: classNumber}
	case collectors.Ratio:
		return cell{Text: percent(float64(v)), Class: classNumber}
	case float64:
		return cell{Text: decimal(v), Class: classNumber}
	default: // whole numbers
		return cell{Text: grouped(fmt.Sprint(v)), Class: classNumber}
	}
}

func timeCell(t, now time.Time) cell {
	if t.IsZero() {
		return cell{Text: "never", Class: classShort}
	}
	utc := t.UTC()
	layout := "2006-01-02 15:04Z"
	if d := now.Sub(t); d.Abs() < 20*time.Hour {
		layout = "15:04:05Z"
	}
	c := cell{Text: utc.Format(layout), Title: utc.Format(time.RFC3339), Class: classShort}
	switch ago := now.Sub(t); {
	case ago < 0:
		c.Detail = "in " + lasting(-ago)
	case ago < time.Second:
		c.Detail = "just now"
	default:
		c.Detail = lasting(ago) + " ago"
	}
	c.Detail = strings.ReplaceAll(c.Detail, " ", "\u00a0")
	return c
}

// lasting returns a length for a person: its two largest units.
func lasting(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "-" + lasting(-d)
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return strings.TrimSuffix(strconv.FormatFloat(d.Truncate(100*time.Millisecond).Seconds(), 'f', 1, 64), ".0") + "s"
	}
	units := []struct {
		length time.Duration
		name   string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, u := range units[:3] {
		if d >= u.length {
			text := fmt.Sprint(int64(d/u.length), u.name)
			if n := d % u.length / units[i+1].length; n > 0 {
				text += fmt.Sprint(" ", int64(n), units[i+1].name)
			}
			return text
		}
	}
	return d.String()
}

// size returns a number of bytes for a person.
func size(n int64) string {
	v := float64(n)
	for _, unit := range []string{"B", "KiB", "MiB", "GiB", "TiB"} {
		if v < 1024 && v > -1024 {
			return decimal(v) + " " + unit
		}
		v /= 1024
	}
	return decimal(v) + " PiB"
}

func percent(v float64) string {
	places := 2
	if v >= 0.1 || v <= -0.1 {
		places = 1
	}
	text := strconv.FormatFloat(100*v, 'f', places, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + " %"
}

// decimal returns a number with three digits or more.
func decimal(v float64) string {
	places := 0
	switch {
	case v == float64(int64(v)):
	case v < 10 && v > -10:
		places = 2
	case v < 100 && v > -100:
		places = 1
	}
	return grouped(strconv.FormatFloat(v, 'f', places, 64))
}

// grouped separates thousands.
func grouped(digits string) string {
	whole, rest, _ := strings.Cut(digits, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}
