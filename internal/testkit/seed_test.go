package testkit

import (
	"slices"
	"testing"
)

func TestSeeds(t *testing.T) {
	t.Setenv(seedVariable, "")
	fixed := Seed(t)
	if again := Seed(t); again != fixed || fixed == 0 {
		t.Errorf("%d, then %d", fixed, again)
	}
	t.Run("other", func(t *testing.T) {
		if Seed(t) == fixed {
			t.Error("two tests draw alike")
		}
	})
	t.Setenv(seedVariable, "41")
	if got := Seeds(t, 3); !slices.Equal(got, []uint64{41, 42, 43}) {
		t.Error(got)
	}
	t.Setenv(seedVariable, "random")
	if Random(t).Uint64() == Random(t).Uint64() {
		t.Error("random draws alike")
	}
}
