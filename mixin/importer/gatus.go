package importer

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
)

// gatus imports endpoints of Gatus.
var gatus = Importer{
	Name:     "gatus",
	Help:     "Convert endpoints of Gatus into health.checks, and their conditions into modules.",
	FileHelp: "Gatus' configuration.",
	Convert:  ofText(convertGatus),
}

const gatusInterval = time.Minute

// convertGatus converts the endpoints of all documents.
func convertGatus(text []byte) (Part, error) {
	roots, err := documents(text)
	if err != nil {
		return Part{}, fmt.Errorf("invalid configuration of Gatus: %w", err)
	}
	d := &draft{from: "Gatus' configuration"}
	for _, root := range roots {
		d.others(root, "Gatus", "endpoints")
		for _, e := range items(field(root, "endpoints")) {
			e = target(e)
			if d.full(e.Line) {
				break
			}
			d.endpoint(e)
		}
	}
	return d.part()
}

// endpoint adds one endpoint.
func (d *draft) endpoint(e *yaml.Node) {
	name := value(field(e, "name"))
	if off := field(e, "enabled"); value(off) == "false" {
		d.note(off.Line, "endpoint %s is not enabled", name)
		return
	}
	group := value(field(e, "group"))
	if group != "" {
		name = group + "-" + name
	}
	c := importedCheck{
		Name: d.name(e.Line, name), AppService: asName(nonEmpty(group, name)), Interval: config.Duration(gatusInterval),
		Timeout: config.Duration(10 * time.Second),
	}
	d.others(e, c.Name, "name", "group", "enabled", "url", "method", "headers", "body", "interval", "conditions",
		"client", "dns")
	if n := field(e, "interval"); n != nil {
		interval, err := time.ParseDuration(value(n))
		if err != nil {
			d.fail(n.Line, "%s: %v", c.Name, err)
			return
		}
		c.Interval = config.Duration(interval)
	}
	client := field(e, "client")
	d.others(client, c.Name+": client", "timeout", "insecure", "ignore-redirect")
	if n := field(client, "timeout"); n != nil {
		timeout, err := time.ParseDuration(value(n))
		if err != nil {
			d.fail(n.Line, "%s: %v", c.Name, err)
			return
		}
		c.Timeout = config.Duration(timeout)
	}
	c.Timeout = min(c.Timeout, c.Interval)
	var p probe
	if p, c.Target = d.gatusProbe(e, client, c.Name); p.prober == "" {
		return
	}
	for _, n := range items(field(e, "conditions")) {
		d.condition(target(n), c.Name, &p)
	}
	if codes, ok := p.settings["valid_status_codes"].([]int); ok && everySuccess(codes) {
		delete(p.settings, "valid_status_codes")
	}
	d.check(e.Line, c, p)
}

// gatusProbe returns what probes an endpoint, and its target; no prober for one that cannot be probed.
func (d *draft) gatusProbe(e, client *yaml.Node, name string) (probe, string) {
	at := field(e, "url")
	address := value(at)
	p := probe{settings: map[string]any{}}
	tls := func(key string) {
		if value(field(client, "insecure")) == "true" {
			p.settings[key] = map[string]any{"insecure_skip_verify": true}
		}
	}
	u, err := url.Parse(address)
	if dns := field(e, "dns"); dns != nil {
		p.prober = "dns"
		p.settings["query_name"], p.settings["query_type"] = value(field(dns, "query-name")), value(field(dns, "query-type"))
		return p, address
	}
	if err != nil {
		d.fail(line(at), "%s: invalid url %q", name, address)
		return probe{}, ""
	}
	switch u.Scheme {
	case "http", "https":
		p.prober = "http"
		tls("tls_config")
		if m := value(field(e, "method")); m != "" && m != "GET" {
			p.settings["method"] = m
		}
		if b := value(field(e, "body")); b != "" {
			p.settings["body"] = b
		}
		headers := map[string]any{}
		entries(field(e, "headers"), func(key, v *yaml.Node) {
			switch strings.ToLower(key.Value) {
			case "authorization", "cookie", "x-api-key":
				d.note(key.Line, "header %s of %s: write it under secret_headers of the check", key.Value, name)
			default:
				headers[key.Value] = value(v)
			}
		})
		if len(headers) > 0 {
			p.settings["headers"] = headers
		}
		if value(field(client, "ignore-redirect")) == "true" {
			p.settings["follow_redirects"] = false
		}
		return p, address
	case "tcp":
		p.prober = "tcp"
		return p, u.Host
	case "tls", "starttls":
		p.prober = "tcp"
		p.settings["tls"] = true
		tls("tls_config")
		if u.Scheme == "starttls" {
			d.note(line(at), "%s: StartTLS begins with words of its protocol: write query_response of the module", name)
		}
		return p, u.Host
	case "icmp":
		p.prober = "icmp"
		return p, u.Host
	case "grpc", "grpcs":
		p.prober = "grpc"
		p.settings["tls"] = u.Scheme == "grpcs"
		tls("tls_config")
		return p, u.Host
	}
	d.fail(line(at), "%s: nothing probes %s: http, tcp, tls, icmp, grpc and dns are probed", name, nonEmpty(u.Scheme,
		address))
	return probe{}, ""
}

var (
	comparisonRE = regexp.MustCompile(`^\s*(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*$`)
	anyRE        = regexp.MustCompile(`^any\((.*)\)$`)
	patternRE    = regexp.MustCompile(`^pat\((.*)\)$`)
	bodyPathRE   = regexp.MustCompile(`^\[BODY\]((?:\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]+\])+)$`)
	numberRE     = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
)

// condition turns one condition of an endpoint into settings of its probe, or reports it.
func (d *draft) condition(n *yaml.Node, name string, p *probe) {
	text := value(n)
	c := comparisonRE.FindStringSubmatch(text)
	if c == nil || !turnCondition(c[1], c[2], c[3], p) {
		d.note(line(n), "condition %s of %s", text, name)
	}
}

// turnCondition reports whether the probe checks the condition now.
func turnCondition(what, operator, want string, p *probe) bool {
	switch {
	case what == "[CONNECTED]" && operator == "==" && want == "true":
		return true // a probe that does not connect fails
	case what == "[STATUS]" && p.prober == "http":
		codes := statusCodes(operator, want)
		if old, ok := p.settings["valid_status_codes"].([]int); ok {
			codes = slices.DeleteFunc(codes, func(code int) bool { return !slices.Contains(old, code) })
		}
		if len(codes) == 0 {
			return false
		}
		p.settings["valid_status_codes"] = codes
		return true
	case what == "[DNS_RCODE]" && operator == "==" && p.prober == "dns":
		p.settings["valid_rcodes"] = []string{want}
		return true
	case what == "[BODY]" && p.prober == "dns" && operator == "==":
		p.settings["validate_answer_rrs"] = map[string]any{"fail_if_none_matches_regexp": []string{
			`\s` + regexp.QuoteMeta(want) + `$`,
		}}
		return true
	case what == "[BODY]" && p.prober == "http" && (operator == "==" || operator == "!="):
		key := "fail_if_body_not_matches_regexp"
		if operator == "!=" {
			key = "fail_if_body_matches_regexp"
		}
		expr := "^" + regexp.QuoteMeta(want) + "$"
		if m := patternRE.FindStringSubmatch(want); m != nil {
			parts := strings.Split(m[1], "*")
			for i := range parts {
				parts[i] = regexp.QuoteMeta(parts[i])
			}
			expr = "(?s)^" + strings.Join(parts, ".*") + "$"
		}
		list, _ := p.settings[key].([]string)
		p.settings[key] = append(list, expr)
		return true
	case bodyPathRE.MatchString(what) && p.prober == "http" && !anyRE.MatchString(want) && !patternRE.MatchString(want):
		if !numberRE.MatchString(want) && want != "true" && want != "false" {
			want = fmt.Sprintf("%q", want)
		}
		expr := "body" + bodyPathRE.FindStringSubmatch(what)[1] + " " + operator + " " + want
		if old, ok := p.settings["fail_if_body_json_not_matches_cel"].(string); ok {
			expr = old + " && " + expr
		}
		p.settings["fail_if_body_json_not_matches_cel"] = expr
		return true
	}
	return false
}
