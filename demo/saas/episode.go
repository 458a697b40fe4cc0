package saas

import (
	"math/rand/v2"
	"time"
)

// Every episodeEvery one tenant is slow for episodeTime, or noisy, in turns.
const (
	episodeEvery = 5 * time.Minute
	episodeTime  = 150 * time.Second
)

const (
	// slowFactor is how many times as long a slow tenant's requests take. A third of them are above 300 ms then: enough to
	// be shown, too few to page.
	slowFactor = 4
	// noise is how many requests of the noisy tenant there are for each one of all tenants.
	noise = 0.5
	// limited is the share of them that the platform refuses with 429.
	limited = 0.4
)

// Episodes are about tenants of these ranks: large enough to be seen, too small to make the whole platform slow.
const (
	firstInEpisodes = 3
	endOfEpisodes   = 15
)

type episodeKind string

const (
	slowTenant  episodeKind = "slow"
	noisyTenant episodeKind = "noisy"
)

// episode is a time in which one tenant is not as usual. The zero value is none.
type episode struct {
	kind   episodeKind
	tenant int // its rank
}

func (e episode) is(kind episodeKind, tenant int) bool { return e == episode{kind, tenant} }

// episodeAt returns the episode of a time since the start. It depends on nothing else but the seed and the number of
// tenants.
func episodeAt(seed uint64, elapsed time.Duration, tenants int) episode {
	end := min(endOfEpisodes, tenants)
	if end <= firstInEpisodes {
		return episode{}
	}
	n := uint64(elapsed / episodeEvery)
	r := rand.New(rand.NewPCG(seed, n))
	begin := time.Duration(r.Int64N(int64(episodeEvery - episodeTime)))
	e := episode{kind: slowTenant, tenant: firstInEpisodes + r.IntN(end-firstInEpisodes)}
	if n%2 == 1 {
		e.kind = noisyTenant
	}
	if into := elapsed % episodeEvery; into < begin || into >= begin+episodeTime {
		return episode{}
	}
	return e
}
