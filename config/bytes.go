package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a number of bytes: 4096, 64KiB, 125MB, 1.5GiB. Decimal units are powers of 1000, binary ones
// of 1024.
type Bytes int64

var byteUnits = map[string]float64{
	"": 1, "B": 1,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// UnmarshalText reads a number with an optional unit.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	number := strings.TrimRight(s, "KMGTkiB")
	unit, known := byteUnits[s[len(number):]]
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !known || !(v >= 0) || v*unit > math.MaxInt64/2 || strings.ContainsAny(number, "eExXpP_") {
		return fmt.Errorf("invalid size %q: write it like 64KiB, 125MB or 10GiB", text)
	}
	*b = Bytes(math.Round(v * unit))
	return nil
}

// String writes the greatest binary unit that needs no fraction.
func (b Bytes) String() string {
	for _, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if size := int64(byteUnits[unit]); b != 0 && int64(b)%size == 0 {
			return strconv.FormatInt(int64(b)/size, 10) + unit
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalYAML writes the plain number.
func (b Bytes) MarshalYAML() (any, error) { return int64(b), nil }
