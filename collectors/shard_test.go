package collectors

import (
	"fmt"
	"strconv"
	"testing"
)

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
	for i := range 1000 {
		owners := 0
		for n := range 4 {
			if (Shard{n, 4}).OwnsName(strconv.Itoa(i)) {
				owners++
			}
		}
		if owners != 1 || !(Shard{}).OwnsName(strconv.Itoa(i)) {
			t.Errorf("%d has %d owners", i, owners)
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

// 50,000 checks are divided evenly, and each has one shard.
func TestShardsAreEven(t *testing.T) {
	const checks, tenants, of = 4, 12_500, 4
	var shares [of]int
	for check := range checks {
		for tenant := range tenants {
			name := fmt.Sprintf("home-%d/t%05d", check, tenant)
			for n := range shares {
				if (Shard{n, of}).OwnsName(name) {
					shares[n]++
				}
			}
		}
	}
	sum := 0
	for n, share := range shares {
		sum += share
		if even := checks * tenants / of; share < even*97/100 || share > even*103/100 {
			t.Errorf("shard %d of %d has %d of %d checks", n, of, share, checks*tenants)
		}
	}
	if sum != checks*tenants {
		t.Errorf("%d checks have a shard, want %d", sum, checks*tenants)
	}
}
