package delivery

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/metric"
)

// change is what a source reports of one deployment. What it does not report is zero.
type change struct {
	service string
	source  string // its name in the policy
	id      string // of the deployment at the source
	// state is one of metric.DeploymentResults, or pending, or empty for what says nothing of it.
	state string
	// at is when the state began: for a success, when it went live.
	at          time.Time
	created     time.Time
	commit      string
	commitTime  time.Time
	ref, title  string // branch or task; first line of the commit's message
	pullRequest int
	url         string
	hotfix      bool
	// from and to are the deployments of a rollback at the source, which has no deployment of its own then.
	from, to string
	// name is that of a known deployment, instead of an id, of which a commit was looked up.
	name   string
	looked bool
}

// pending is the state of a deployment that is neither live nor given up.
const pending = "pending"

// Bounds of what a source reports.
const (
	maxText = 200
	maxURL  = 500
	// maxAhead is how far a time may be ahead of our clock; later ones are taken as now.
	maxAhead = time.Minute
	// maxOld is how old a deployment may be that is noted, and maxCommitAge how old its commit.
	maxOld       = 90 * 24 * time.Hour
	maxCommitAge = 366 * 24 * time.Hour
)

var (
	idRE     = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)
	commitRE = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	// pullRequestREs find the number of a pull request in the first line of a message: that of a merge, and that of a
	// squash, which ends with it.
	pullRequestREs = []*regexp.Regexp{
		regexp.MustCompile(`^Merge pull request #([1-9][0-9]{0,8}) `),
		regexp.MustCompile(`\(#([1-9][0-9]{0,8})\)$`),
	}
)

// clean returns a change within bounds at a time, false if it has no valid id. Clocks elsewhere may be wrong: a time
// that lies ahead is taken as now, and one that is too old is left out.
func (c change) clean(now time.Time) (change, bool) {
	rollback := c.from != "" || c.to != ""
	if c.name != "" {
		c.id = ""
	} else if rollback && !idRE.MatchString(c.from) || c.to != "" && !idRE.MatchString(c.to) ||
		!rollback && !idRE.MatchString(c.id) {
		return c, false
	}
	c.at, c.created = bounded(c.at, now, maxOld), bounded(c.created, now, maxOld)
	c.commitTime = bounded(c.commitTime, now, maxCommitAge)
	if c.commit = strings.ToLower(c.commit); !commitRE.MatchString(c.commit) {
		c.commit = ""
	}
	c.ref, c.title = line(c.ref), line(c.title)
	if c.pullRequest <= 0 || c.pullRequest > 999_999_999 {
		c.pullRequest = pullRequestOf(c.title)
	}
	c.url = address(c.url)
	return c, true
}

// bounded returns a time that is neither ahead of now nor older than the oldest permitted, else the zero time.
func bounded(at, now time.Time, oldest time.Duration) time.Time {
	switch {
	case at.IsZero() || now.Sub(at) > oldest:
		return time.Time{}
	case at.After(now):
		return now.UTC()
	}
	return at.UTC()
}

// line returns the first line of a text, cut, without control characters and secrets.
func line(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return strings.TrimSpace(secret.Mask(text))
}

// address returns an address that a page may link to, else nothing.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	u.RawQuery, u.Fragment = "", ""
	return u.String()
}

func pullRequestOf(title string) int {
	for _, re := range pullRequestREs {
		if m := re.FindStringSubmatch(title); m != nil {
			n, _ := strconv.Atoi(m[1])
			return n
		}
	}
	return 0
}

// terminal reports whether a state is that of a deployment that has ended.
func terminal(state string) bool {
	return state == metric.DeploymentSuccess || state == metric.DeploymentFailure || state == metric.DeploymentCancelled
}
