package calendar

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// aliases are the names of cron expressions.
var aliases = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

var (
	monthNames   = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// field is one of the five fields of a cron expression.
type field struct {
	name        string
	least, most int
	names       []string // of the numbers from least on
}

var fields = [5]field{
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of month", 1, 31, nil},
	{"month", 1, 12, monthNames},
	{"weekday", 0, 7, weekdayNames},
}

// ParseCron reads an expression of five fields as crontab(5) has it: minute, hour, day of month, month, weekday, with
// lists, ranges, steps and names; L as the last day of the month; or a name such as @daily.
func ParseCron(expr string, zone *time.Location) (*Schedule, error) {
	if len(expr) > maxText {
		return nil, errors.New("invalid cron expression: it is too long")
	}
	text := strings.TrimSpace(expr)
	if name, ok := aliases[strings.ToLower(text)]; ok {
		text = name
	}
	parts := strings.Fields(text)
	if len(parts) != len(fields) {
		return nil, fmt.Errorf(`invalid cron expression %q: write minute, hour, day of month, month and weekday, `+
			`like "30 2 * * mon-fri"`, expr)
	}
	var spans [5][]span
	for i, f := range fields {
		var err error
		if spans[i], err = f.parse(parts[i]); err != nil {
			return nil, fmt.Errorf("invalid cron expression %q: %w", expr, err)
		}
	}
	star := func(i int) bool { return strings.HasPrefix(parts[i], "*") }
	s := spec{
		seconds: 1, minutes: set(spans[0]), hours: uint32(set(spans[1])), days: spans[2],
		months: uint16(set(spans[3])), weekdays: uint8(set(spans[4])) | uint8(set(spans[4])>>7), // 7 is Sunday too
		either: !star(2) && !star(4), change: shifted, zone: zone,
	}
	if star(0) || star(1) {
		s.change = clock
	}
	return checked([]spec{s}, expr)
}

// checked returns a schedule that can be due.
func checked(specs []spec, text string) (*Schedule, error) {
	s := &Schedule{specs: specs}
	// 29 February is not before 2004 after 1999, and a year of an OnCalendar line may be in the past by now.
	if s.Next(time.Date(1999, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() && s.Next(time.Now()).IsZero() {
		return nil, fmt.Errorf("invalid schedule %q: it is never due", text)
	}
	return s, nil
}

// set returns the numbers of ranges as bits.
func set(spans []span) (all uint64) {
	for _, s := range spans {
		for n := s.from; n <= s.to; n += s.step {
			all |= 1 << n
		}
	}
	return all
}

func (f field) parse(text string) ([]span, error) {
	var all []span
	for item := range strings.SplitSeq(text, ",") {
		s, err := f.item(item)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// item reads *, 5, 1-5 or L, each but the last with or without a step.
func (f field) item(text string) (span, error) {
	if strings.EqualFold(text, "L") && f.most == 31 {
		return span{1, 1, 1, true}, nil
	}
	s := span{from: f.least, to: f.most, step: 1}
	numbers, step, stepped := strings.Cut(text, "/")
	var err error
	if stepped {
		if s.step, err = number(step, nil, 0); err != nil || s.step == 0 {
			return span{}, fmt.Errorf("invalid step %q of the %s: write a number above 0", step, f.name)
		}
	}
	if numbers == "*" {
		if f.most == 7 {
			s.to = 6
		}
		return s, nil
	}
	from, to, ranged := strings.Cut(numbers, "-")
	if s.from, err = number(from, f.names, f.least); err == nil && ranged {
		s.to, err = number(to, f.names, f.least)
		if s.to == 0 && f.most == 7 {
			s.to = 7 // fri-sun
		}
	} else if !stepped {
		s.to = s.from
	}
	if err != nil || s.from < f.least || s.to > f.most || s.from > s.to {
		return span{}, fmt.Errorf("invalid %s %q: write %d to %d", f.name, text, f.least, f.most)
	}
	return s, nil
}

// number reads a number of at most four digits, or a name of one.
func number(text string, names []string, first int) (int, error) {
	for i, name := range names {
		if strings.EqualFold(text, name) {
			return first + i, nil
		}
	}
	if len(text) > 4 || strings.ContainsAny(text, "+-") {
		return 0, strconv.ErrRange
	}
	return strconv.Atoi(text)
}
