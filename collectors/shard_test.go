package collectors

import "testing"

// Every partition has exactly one shard.
func TestShardsAreWhole(t *testing.T) {
	for of := 1; of <= 5; of++ {
		owners := make([]int, 64)
		for n := range of {
			s := Shard{n, of}
			if again, err := ParseShard(s.String()); err != nil || of > 1 && again != s {
				t.Errorf("%v: %v %v", s, again, err)
			}
			for p := range owners {
				if s.Owns(p) {
					owners[p]++
				}
			}
		}
		for p, n := range owners {
			if n != 1 {
				t.Errorf("of %d: partition %d has %d owners", of, p, n)
			}
		}
	}
	for _, text := range []string{"8/8", "-1/8", "1", "/", "a/b", "0/0", "0/5000", "1/2/3"} {
		if s, err := ParseShard(text); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
	if s, err := ParseShard(""); err != nil || !s.Owns(7) {
		t.Errorf("%v %v", s, err)
	}
}
