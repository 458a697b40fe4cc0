package testkit

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// seedVariable is the environment variable by which tests draw other stories: a number, or "random".
const seedVariable = "THORBIS_TEST_SEED"

// Seed returns what a test draws its stories by. It is the same in each run, so that a test fails for what was changed
// and not for what was drawn; make soak draws others. It is logged, to repeat a run as far as goroutines take the same
// turns.
func Seed(t testing.TB) uint64 {
	t.Helper()
	var seed uint64
	switch text := os.Getenv(seedVariable); text {
	case "":
		h := fnv.New64a()
		_, _ = h.Write([]byte(t.Name())) // never fails
		seed = h.Sum64()
	case "random":
		seed = rand.Uint64()
	default:
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("invalid %s %q: write a number, or random", seedVariable, text)
		}
	}
	t.Logf("%s=%d repeats this", seedVariable, seed)
	return seed
}

// Seeds returns seeds for n stories, of which the first is that of Seed.
func Seeds(t testing.TB, n int) []uint64 {
	t.Helper()
	seeds := make([]uint64, n)
	first := Seed(t)
	for i := range seeds {
		seeds[i] = first + uint64(i)
	}
	return seeds
}

// Random draws by Seed.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Seed(t), 0))
}
