package vendor

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// feedOpen is how long an entry of a feed counts as an open incident that does not say that it is over: feeds keep
// entries for weeks, and some vendors never write the end.
const feedOpen = 72 * time.Hour

// entry is an item of RSS 2.0 or an entry of Atom (RFC 4287).
type entry struct {
	Title       string `xml:"title"`
	PubDate     string `xml:"pubDate"`
	Date        string `xml:"http://purl.org/dc/elements/1.1/ date"`
	Published   string `xml:"published"`
	Updated     string `xml:"updated"`
	Description string `xml:"description"`
	Content     string `xml:"content"`
	Encoded     string `xml:"http://purl.org/rss/1.0/modules/content/ encoded"`
	Summary     string `xml:"summary"`
	Links       []struct {
		Href string `xml:"href,attr"`
		Text string `xml:",chardata"`
	} `xml:"link"`
	// MaintenanceEnd is an extension of Statuspage's feeds.
	MaintenanceEnd string `xml:"maintenanceEndDate"`
}

var (
	feedOver        = regexp.MustCompile(`(?i)\b(resolved|completed|postmortem|operating normally|has been mitigated)\b`)
	feedMaintenance = regexp.MustCompile(`(?i)\b(maintenance|scheduled)\b`)
	feedTag         = regexp.MustCompile(`<[^>]*>`)
	feedRoots       = []string{"rss", "feed", "RDF"}
)

// parseFeed reads an RSS or Atom feed of incidents, an entry each, the newest update of an entry first. A feed does not
// say how bad an incident is: while one is open, the vendor is degraded at least.
func parseFeed(text []byte, now time.Time) (*page, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("it is written in %q: only UTF-8 is read", charset)
	}
	p := &page{state: metric.VendorOperational}
	root := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if root == "" {
			if root = start.Name.Local; !isFeed(root) {
				return nil, fmt.Errorf("it begins with <%s>: it is neither RSS nor Atom", short(root))
			}
		}
		if start.Name.Local != "item" && start.Name.Local != "entry" {
			continue
		}
		var e entry
		if err := d.DecodeElement(&e, &start); err != nil {
			return nil, err
		}
		p.add(e, now)
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	if root == "" {
		return nil, errors.New("it is empty: it is neither RSS nor Atom")
	}
	return p, nil
}

func isFeed(root string) bool {
	return slices.ContainsFunc(feedRoots, func(r string) bool { return strings.EqualFold(r, root) })
}

// add takes an entry into the page.
func (p *page) add(e entry, now time.Time) {
	published := feedTime(now, e.Published, e.PubDate, e.Date, e.Updated)
	updated := feedTime(now, e.Updated, e.PubDate, e.Date, e.Published)
	if !updated.After(now) && updated.After(p.updated) {
		p.updated = updated
	}
	body := cmp.Or(e.Content, e.Encoded, e.Description, e.Summary)
	newest := feedTag.ReplaceAllString(body, " ")
	if len(newest) > 400 { // the newest update comes first, and older ones say "investigating" again
		newest = newest[:400]
	}
	switch {
	case e.MaintenanceEnd != "" || feedMaintenance.MatchString(e.Title) && published.After(now):
		if !feedOver.MatchString(newest) {
			p.maintenances = append(p.maintenances, Maintenance{short(e.Title), published, feedTime(now, e.MaintenanceEnd)})
		}
	case feedOver.MatchString(e.Title), feedOver.MatchString(newest), updated.IsZero(), now.Sub(updated) > feedOpen:
	default:
		p.state = worse(p.state, metric.VendorDegraded)
		p.incidents = append(p.incidents, Incident{
			Name: short(strings.TrimSpace(e.Title)), Impact: metric.VendorImpactUnknown, Began: earlier(published, now),
			Link: e.link(),
		})
	}
}

func earlier(t, now time.Time) time.Time {
	if t.IsZero() || t.After(now) {
		return now.UTC()
	}
	return t
}

func (e entry) link() string {
	for _, l := range e.Links {
		if s := cmp.Or(l.Href, strings.TrimSpace(l.Text)); s != "" {
			return short(s)
		}
	}
	return ""
}

// feedLayouts are those of dates of RSS: a year of four digits and seconds are usual, a day of one digit is seen.
var feedLayouts = []string{
	"Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST", time.RFC822Z, time.RFC822,
}

// feedTime returns the first of some dates that can be read: of RFC 3339 (Atom, Dublin Core) or RFC 822 (RSS).
func feedTime(now time.Time, dates ...string) time.Time {
	for _, text := range dates {
		text = strings.TrimSpace(text)
		if t := plausible(text, now); !t.IsZero() {
			return t
		}
		for _, layout := range feedLayouts {
			if t, err := time.Parse(layout, text); err == nil {
				return plausible(t.UTC().Format(time.RFC3339), now)
			}
		}
	}
	return time.Time{}
}
