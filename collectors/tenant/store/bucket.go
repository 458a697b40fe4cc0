package store

import (
	"math"
	"math/bits"
)

// Durations are kept in the buckets of a native histogram of schema 3: eight to a doubling, each at most
// 9 % wide, from below a microsecond to 1024 s. What is longer is counted in the last one.
const (
	Schema = 3
	// FirstIndex is the native index of Buckets' first.
	FirstIndex = -159
	Buckets    = 240
)

// ClassicBounds are the upper bounds of the classic histogram in nanoseconds, with one at the 300 ms of
// the default policy's latency objective.
var ClassicBounds = [...]uint64{5e6, 10e6, 25e6, 50e6, 100e6, 200e6, 300e6, 500e6, 1e9, 2500e6, 5e9, 10e9}

// Classic is the number of classic buckets, the one without an upper bound included.
const Classic = len(ClassicBounds) + 1

// upper holds the largest whole nanosecond of each bucket.
var upper = func() (u [Buckets]uint64) {
	for i := range u {
		seconds := boundOf(FirstIndex + i)
		u[i] = uint64(seconds * 1e9)
		// As an observation is judged: the duration in seconds against the bound.
		for float64(u[i]+1)/1e9 <= seconds {
			u[i]++
		}
		for float64(u[i])/1e9 > seconds {
			u[i]--
		}
	}
	u[Buckets-1] = math.MaxUint64
	return u
}()

// boundOf is the upper bound of a native bucket in seconds, as the client library has it.
func boundOf(index int) float64 {
	frac := math.Mod(math.Mod(float64(index), 8)+8, 8)
	exp := (float64(index) - frac) / 8
	return math.Ldexp(math.Pow(2, frac/8), int(exp))
}

// starts maps the highest five bits of a duration, by their place, to the first bucket it can be in.
var starts = func() (s [64 * 16]uint8) {
	for i := range s {
		length, top := i/16, uint64(i%16)
		lowest := (16 + top) << 59 >> (63 - length)
		for upper[s[i]] < lowest {
			s[i]++
		}
	}
	return s
}()

// Bucket returns the bucket of a duration that is not 0.
func Bucket(nanos uint64) int {
	zeros := bits.LeadingZeros64(nanos)
	i := int(starts[(63-zeros)*16+int(nanos<<zeros>>59&15)])
	for upper[i] < nanos {
		i++
	}
	return i
}

// classicOf is the classic bucket of each native one's lower end.
var classicOf = func() (c [Buckets]uint8) {
	for i := 1; i < Buckets; i++ {
		for int(c[i]) < len(ClassicBounds) && ClassicBounds[c[i]] <= upper[i-1] {
			c[i]++
		}
	}
	return c
}()

// classicBucket returns the classic bucket of a duration whose native bucket is known.
func classicBucket(nanos uint64, native int) int {
	i := int(classicOf[native])
	for i < len(ClassicBounds) && nanos > ClassicBounds[i] {
		i++
	}
	return i
}
