package config

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Duration is a duration as Prometheus writes it: 30s, 5m, 1h30m, 30d, 1w.
type Duration time.Duration

// UnmarshalText reads Prometheus' notation.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := model.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("invalid duration %q: write it like 30s, 5m, 1h30m, 30d or 1w", text)
	}
	*d = Duration(v)
	return nil
}

// String writes Prometheus' notation.
func (d Duration) String() string { return model.Duration(d).String() }

// MarshalYAML writes Prometheus' notation.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// Std returns the standard library's duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Seconds returns the duration in seconds.
func (d Duration) Seconds() float64 { return time.Duration(d).Seconds() }

// Ratio is a share between 0 and 1 that was written as a percentage or a decimal and is kept exactly.
// The zero Ratio is unset.
type Ratio struct{ rat *big.Rat }

// UnmarshalText reads "99.99%" or "0.9999".
func (r *Ratio) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	number, percent := strings.CutSuffix(s, "%")
	bad := fmt.Errorf("invalid ratio %q: write it like 99.99%% or 0.9999", text)
	if len(number) > 32 || strings.ContainsAny(number, "/eExXpP_") {
		return bad
	}
	rat, ok := new(big.Rat).SetString(strings.TrimSpace(number))
	if !ok {
		return bad
	}
	if percent {
		rat.Quo(rat, big.NewRat(100, 1))
	}
	if rat.Sign() <= 0 || rat.Cmp(big.NewRat(1, 1)) >= 0 {
		return fmt.Errorf("invalid ratio %q: write more than 0 and less than 100%%; "+
			"an objective of 100%% leaves no budget", text)
	}
	r.rat = rat
	return nil
}

func mustRatio(text string) (r Ratio) {
	if err := r.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return r
}

// IsZero reports whether the ratio is unset.
func (r Ratio) IsZero() bool { return r.rat == nil }

// Rat returns the exact value, 0 if unset. The caller may change it.
func (r Ratio) Rat() *big.Rat {
	if r.rat == nil {
		return new(big.Rat)
	}
	return new(big.Rat).Set(r.rat)
}

// Budget returns 1 - ratio exactly: the share that may fail.
func (r Ratio) Budget() *big.Rat { return new(big.Rat).Sub(big.NewRat(1, 1), r.Rat()) }

// Percent writes the ratio as an exact percentage: 99.99%.
func (r Ratio) Percent() string { return Decimal(new(big.Rat).Mul(r.Rat(), big.NewRat(100, 1))) + "%" }

// String writes the ratio as an exact decimal: 0.9999.
func (r Ratio) String() string {
	if r.rat == nil {
		return ""
	}
	return Decimal(r.rat)
}

// MarshalYAML writes the percentage, nothing for an unset ratio.
func (r Ratio) MarshalYAML() (any, error) {
	if r.rat == nil {
		return nil, nil
	}
	return r.Percent(), nil
}

// Decimal writes a rational number as a decimal without floating-point artefacts: exactly where the
// decimal ends within 20 digits, rounded to 20 otherwise.
func Decimal(r *big.Rat) string {
	s := r.FloatString(20)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Time is a moment in RFC 3339.
type Time struct{ time.Time }

// UnmarshalText reads RFC 3339.
func (t *Time) UnmarshalText(text []byte) error {
	v, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("invalid time %q: write it like 2026-01-31T22:00:00+01:00", text)
	}
	t.Time = v
	return nil
}

// MarshalYAML writes RFC 3339 in UTC, nothing for the zero time.
func (t Time) MarshalYAML() (any, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.UTC().Format(time.RFC3339), nil
}
