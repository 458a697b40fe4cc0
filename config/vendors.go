package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Bounds of what is watched of vendors.
const (
	maxVendors          = 50
	maxVendorComponents = 50
	maxComponentName    = 200
)

// Formats of status pages.
const (
	// VendorStatuspage is version 2 of Atlassian Statuspage's API, which pages of other makers speak too.
	VendorStatuspage = "statuspage"
	// VendorIncidentIO is the summary that pages of incident.io serve for widgets.
	VendorIncidentIO = "incident.io"
	// VendorFeed is an RSS or Atom feed of incidents.
	VendorFeed = "feed"
)

var vendorFormats = []string{VendorStatuspage, VendorIncidentIO, VendorFeed}

// statusPages are those of vendors that need no status_page: each speaks version 2 of Statuspage's API.
var statusPages = map[string]string{
	"cloudflare": "https://www.cloudflarestatus.com/",
	"github":     "https://www.githubstatus.com/",
	"supabase":   "https://status.supabase.com/",
	"vercel":     "https://www.vercel-status.com/",
}

// Vendors are those whose status pages are watched. Without the section none is.
type Vendors []*Vendor

// Vendor is a company whose outages are ours too.
type Vendor struct {
	Name string `yaml:"name"`
	// StatusPage is its address; of a feed, that of the feed.
	StatusPage string `yaml:"status_page"`
	Format     string `yaml:"format"`
	// Components are those that matter, by name or ID. Without any the state of the whole page counts.
	Components []string `yaml:"components"`
	// Affects are the services that depend on it.
	Affects []string `yaml:"affects"`
	Owner   string   `yaml:"owner"`
	// Promise is the availability that its contract promises for a calendar month; zero for none.
	Promise  Ratio    `yaml:"promise"`
	Interval Duration `yaml:"interval"`
}

// Vendors returns the vendors whose status pages are watched.
func (p *Policy) Vendors() []*Vendor {
	if v := *vendorsSection.of(p); v != nil {
		return *v
	}
	return nil
}

var vendorsSection = &section[*Vendors]{
	key:      "vendors",
	inherit:  func(p *Policy, v **Vendors) { (*v).inherit(p) },
	validate: validateVendors,
	cost:     costOfVendors,
}

func (all *Vendors) inherit(p *Policy) {
	for _, v := range *all {
		if v.StatusPage == "" {
			v.StatusPage = statusPages[v.Name]
		}
		if v.Format == "" {
			v.Format = VendorStatuspage
		}
		if v.Interval == 0 {
			v.Interval = Duration(time.Minute)
		}
		for _, name := range v.Affects {
			if v.Owner == "" {
				v.Owner, _ = p.ownership("", "", name)
			}
		}
	}
}

// Series of one vendor beside those of its components and services: seven sets of six states or so.
const (
	seriesPerVendor    = 60
	seriesPerComponent = 6
)

func costOfVendors(_ *Policy, all *Vendors, _ int) Cost {
	var c Cost
	for _, v := range *all {
		c.Series += seriesPerVendor + seriesPerComponent*len(v.Components) + len(v.Affects)
		c.APICallsPerHour += int(time.Hour / v.Interval.Std())
	}
	return c
}

func validateVendors(v *validator, all *Vendors) {
	if len(*all) > maxVendors {
		v.failAt("vendors", "too many vendors (%d): write at most %d", len(*all), maxVendors)
	}
	seen := map[string]bool{}
	for i, one := range *all {
		v.vendor(fmt.Sprintf("vendors[%d]", i), one, seen)
	}
}

func (v *validator) vendor(path string, one *Vendor, seen map[string]bool) {
	v.name(path+".name", one.Name)
	v.unique(path+".name", one.Name, seen)
	switch u, err := url.Parse(one.StatusPage); {
	case one.StatusPage == "":
		v.failAt(path+".status_page", "missing address: write it like https://status.example.com/; only %s need none",
			strings.Join(sortedKeys(statusPages), ", "))
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil:
		v.failAt(path+".status_page", "invalid address: write it like https://status.example.com/, without a user")
	}
	v.oneOf(path+".format", one.Format, vendorFormats)
	if one.Format == VendorFeed && len(one.Components) > 0 {
		v.failAt(path+".components", "a feed has none: leave them out")
	}
	if len(one.Components) > maxVendorComponents {
		v.failAt(path+".components", "too many components (%d): write at most %d", len(one.Components), maxVendorComponents)
	}
	components, services := map[string]bool{}, map[string]bool{}
	for i, name := range one.Components {
		at := fmt.Sprintf("%s.components[%d]", path, i)
		if name == "" || len(name) > maxComponentName {
			v.failAt(at, "invalid component: write its name or ID as the page shows it, at most %d characters",
				maxComponentName)
		}
		v.unique(at, name, components)
	}
	for i, name := range one.Affects {
		at := fmt.Sprintf("%s.affects[%d]", path, i)
		v.appService(at, name)
		v.unique(at, name, services)
	}
	v.between(path+".interval", one.Interval, Duration(30*time.Second), Duration(time.Hour))
}
