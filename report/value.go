package report

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Ratio is a share of a whole, kept exactly: seconds of seconds in milliseconds, or requests of requests.
type Ratio struct{ Part, Whole int64 }

// Percent writes the ratio as a percentage with three decimals that is never rounded up: 99.9899 % is 99.989, and only
// all of the whole is 100.000. It is empty where the whole is nothing.
func (r Ratio) Percent() string {
	if r.Whole <= 0 {
		return ""
	}
	part := uint64(min(max(r.Part, 0), r.Whole))
	high, low := bits.Mul64(part, 100_000)
	thousandths, _ := bits.Div64(high, low, uint64(r.Whole)) // the part is at most the whole, so high is less than it
	return fmt.Sprintf("%d.%03d", thousandths/1000, thousandths%1000)
}

// MarshalJSON writes the percentage as a number, null where the whole is nothing.
func (r Ratio) MarshalJSON() ([]byte, error) {
	if r.Whole <= 0 {
		return []byte("null"), nil
	}
	return []byte(r.Percent()), nil
}

// UnmarshalJSON reads a percentage of at most three decimals.
func (r *Ratio) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*r = Ratio{}
		return nil
	}
	percent, err := strconv.ParseFloat(string(text), 64)
	if err != nil || percent < 0 || percent > 100 {
		return fmt.Errorf("invalid percentage %s", text)
	}
	*r = Ratio{int64(math.Round(percent * 1000)), 100_000}
	return nil
}

// Length is a length of time with milliseconds.
type Length time.Duration

// Seconds writes the length in seconds with at most three decimals.
func (l Length) Seconds() string { return thousandths(time.Duration(l).Milliseconds()) }

// Minutes writes the length in minutes with three decimals, rounded to the nearest.
func (l Length) Minutes() string {
	return fmt.Sprintf("%.3f", math.Round(float64(time.Duration(l).Milliseconds())/60)/1000)
}

// String writes the length as people read it: 2d 4h, 1h 30m 4s, 61.204s.
func (l Length) String() string {
	ms := time.Duration(l).Milliseconds()
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	var parts []string
	for _, u := range []struct {
		ms   int64
		name string
	}{{86_400_000, "d"}, {3_600_000, "h"}, {60_000, "m"}} {
		if n := ms / u.ms; n > 0 {
			parts = append(parts, strconv.FormatInt(n, 10)+u.name)
			ms %= u.ms
		}
	}
	if ms > 0 || len(parts) == 0 {
		parts = append(parts, thousandths(ms)+"s")
	}
	return sign + strings.Join(parts, " ")
}

// MarshalJSON writes the length in seconds.
func (l Length) MarshalJSON() ([]byte, error) { return []byte(l.Seconds()), nil }

// UnmarshalJSON reads seconds, to the millisecond.
func (l *Length) UnmarshalJSON(text []byte) error {
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.Abs(seconds) > 1e9 {
		return fmt.Errorf("invalid length %s", text)
	}
	*l = Length(time.Duration(math.Round(seconds*1000)) * time.Millisecond)
	return nil
}

func thousandths(n int64) string {
	text := strconv.FormatFloat(float64(n)/1000, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// Number is a measured number, written with at most three significant decimals.
type Number float64

// String writes the number without an exponent.
func (n Number) String() string {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return ""
	}
	decimals := 0
	switch size := math.Abs(float64(n)); {
	case size == 0 || size >= 1000:
	case size >= 10:
		decimals = 1
	default:
		decimals = 3
	}
	text := strconv.FormatFloat(float64(n), 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// MarshalJSON writes the number, null for one that is none.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Abs returns the length without its sign.
func (l Length) Abs() Length { return max(l, -l) }

// Measured is a value that was written as text: it is aligned as a number, and is no formula.
type Measured string

// Bytes writes a size with the unit in which it is short.
func Bytes(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for ; math.Abs(n) >= 1024 && i < len(units)-1; i++ {
		n /= 1024
	}
	return Number(n).String() + " " + units[i]
}
