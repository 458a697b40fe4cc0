package config

import (
	"fmt"
	"math/big"
	"strings"
)

// Share is more than nothing and at most all of something, kept exactly. The zero Share is unset.
type Share struct{ Ratio }

// UnmarshalText reads "10%", "0.1" or "100%".
func (s *Share) UnmarshalText(text []byte) error {
	switch strings.ReplaceAll(string(text), " ", "") {
	case "100%", "1", "1.0":
		s.rat = big.NewRat(1, 1)
		return nil
	}
	if err := s.Ratio.UnmarshalText(text); err != nil {
		return fmt.Errorf("invalid share %q: write more than 0 and at most 100%%, like 25%%", text)
	}
	return nil
}
