package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// numeric reports whether a cell is a number, which is aligned to the right.
func numeric(c Cell) bool {
	switch c.(type) {
	case int, int64, uint64, Number, Ratio, Length, Minutes, Bar, Measured:
		return true
	}
	return false
}

// read is a cell as a person reads it.
func read(c Cell, zone *time.Location) string {
	switch v := c.(type) {
	case nil:
		return ""
	case Lines:
		return strings.Join(v, "; ")
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case Ratio:
		if text := v.Percent(); text != "" {
			return text + " %"
		}
		return "not measured"
	case Minutes:
		return Length(v).Minutes()
	case Bar:
		return Number(v*100).String() + " %"
	case time.Time:
		if v.IsZero() {
			return ""
		}
		v = v.In(zone)
		layout := "2006-01-02 15:04:05.999 -07:00"
		if zone == time.UTC {
			layout = "2006-01-02 15:04:05.999 UTC"
		}
		return v.Format(layout)
	case Date:
		return string(v)
	}
	return fmt.Sprint(c)
}

// Raw writes a cell as CSV has it.
func Raw(c Cell, zone *time.Location) string { return raw(c, zone) }

// raw is a cell as a program reads it: times in RFC 3339, lengths in seconds, shares in percent, never a formula of a
// spreadsheet.
func raw(c Cell, zone *time.Location) string {
	switch v := c.(type) {
	case nil:
		return ""
	case Ratio:
		return v.Percent()
	case Minutes:
		return Length(v).Seconds()
	case Length:
		return v.Seconds()
	case Number:
		return v.String()
	case Bar:
		return Number(v * 100).String()
	case bool:
		return strconv.FormatBool(v)
	case int, int64, uint64, Measured:
		return fmt.Sprint(v)
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.In(zone).Format("2006-01-02T15:04:05.999Z07:00")
	}
	return inert(plain(read(c, zone)))
}
