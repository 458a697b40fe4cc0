package perses

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/dashboards"
)

// address is a dashboard of the same project, with the time of this one. Perses fills the variables in.
func address(uid string, parameters []string) string {
	all := append([]string{"start=${__from}", "end=${__to}"}, parameters...)
	return "/projects/${__project}/dashboards/" + uid + "?" + strings.Join(all, "&")
}

// picked is the parameter that hands the value of a variable on.
func picked(name string) string { return "var-" + name + "=${" + name + ":percentencode}" }

// linksOf returns the links of a dashboard. Perses has no list of dashboards with a tag, so each of them has a link.
func linksOf(d dashboard.Dashboard, model []dashboard.Dashboard) ([]link, error) {
	var links []link
	linked := map[string]bool{*d.Uid: true}
	add := func(name, uid string, l dashboard.DashboardLink) {
		if linked[uid] {
			return
		}
		linked[uid] = true
		var parameters []string
		if l.IncludeVars {
			for _, v := range d.Templating.List {
				parameters = append(parameters, picked(v.Name))
			}
		}
		links = append(links, link{Name: name, URL: address(uid, parameters), RenderVariables: true})
	}
	for _, l := range d.Links {
		if !l.KeepTime || l.TargetBlank || l.Placement != nil {
			return nil, fmt.Errorf("link %q: only those that keep the time and the page are written for Perses", l.Title)
		}
		if l.Type == dashboard.DashboardLinkTypeDashboards {
			for _, other := range model {
				if !slices.ContainsFunc(l.Tags, func(tag string) bool { return !slices.Contains(other.Tags, tag) }) {
					add(strings.TrimPrefix(*other.Title, dashboards.TitlePrefix), *other.Uid, l)
				}
			}
			continue
		}
		uid, ok := strings.CutPrefix(*l.Url, "/d/")
		if !ok {
			return nil, fmt.Errorf("link %q: unknown address %s", l.Title, *l.Url)
		}
		add(l.Title, uid, l)
	}
	return links, nil
}

var (
	panelLinkRE = regexp.MustCompile(`^/d/([a-z-]+)\?\$\{__url_time_range\}(.*)$`)
	parameterRE = regexp.MustCompile(
		`^(?:\$\{(\w+):queryparam\}|var-(\w+)=\$\{__data\.fields\.(.+):percentencode\})$`)
)

// translated is a link of a value or a cell. Columns have the names of labels, which the map holds by their headings.
func translated(url string, labels map[string]string) (string, error) {
	m := panelLinkRE.FindStringSubmatch(url)
	if m == nil {
		return "", fmt.Errorf("unknown address %s", url)
	}
	var parameters []string
	for _, parameter := range strings.Split(m[2], "&")[1:] {
		p := parameterRE.FindStringSubmatch(parameter)
		switch {
		case p == nil:
			return "", fmt.Errorf("unknown parameter %s", parameter)
		case p[1] != "":
			parameters = append(parameters, picked(p[1]))
		case labels[p[3]] == "":
			return "", fmt.Errorf("unknown column %q", p[3])
		default:
			parameters = append(parameters, "var-"+p[2]+`=${__data.fields["`+labels[p[3]]+`"]}`)
		}
	}
	return address(m[1], parameters), nil
}

// dataLinks are the links of the values of a panel, which Perses has at its heading.
func dataLinks(all []dashboard.DashboardLink) ([]link, error) {
	var links []link
	for _, l := range all {
		if l.Url == nil || l.TargetBlank {
			return nil, errors.New("a link without an address or to a new page is not written for Perses")
		}
		to, err := translated(*l.Url, nil)
		if err != nil {
			return nil, err
		}
		links = append(links, link{Name: l.Title, URL: to, RenderVariables: true})
	}
	return links, nil
}
