package importer

import (
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
)

// uptimeKuma imports monitors of Uptime Kuma.
var uptimeKuma = Importer{
	Name:     "uptime-kuma",
	Help:     "Convert monitors of Uptime Kuma into health.checks with modules, and push monitors into procedures.",
	FileHelp: "Its backup (Settings, Backup, Export), or any JSON with monitorList.",
	Convert:  ofText(convertUptimeKuma),
}

// convertUptimeKuma converts the monitors of a backup.
func convertUptimeKuma(text []byte) (Part, error) {
	roots, err := documents(text)
	if err != nil {
		return Part{}, fmt.Errorf("invalid backup of Uptime Kuma: %w", err)
	}
	d := &draft{from: "a backup of Uptime Kuma"}
	var tasks []importedTask
	for _, root := range roots {
		if n := field(root, "notificationList"); len(items(n)) > 0 {
			d.note(n.Line, "notifications: channels of the policy notify")
		}
		list := items(field(root, "monitorList"))
		entries(field(root, "monitorList"), func(_, m *yaml.Node) { list = append(list, m) }) // of newer versions, by id
		groups := map[string]string{}
		for _, m := range list {
			if m = target(m); value(field(m, "type")) == "group" {
				groups[value(field(m, "id"))] = value(field(m, "name"))
			}
		}
		for _, m := range list {
			m = target(m)
			if d.full(m.Line) {
				break
			}
			if task, ok := d.monitor(m, groups); ok {
				tasks = append(tasks, task)
			}
		}
	}
	d.procedures(tasks)
	return d.part()
}

// monitor adds a check, or returns the procedure that a monitor waits for.
func (d *draft) monitor(m *yaml.Node, groups map[string]string) (importedTask, bool) {
	kind, name := value(field(m, "type")), value(field(m, "name"))
	if kind == "group" {
		return importedTask{}, false
	}
	if n := field(m, "active"); value(n) == "false" || value(n) == "0" {
		d.note(n.Line, "monitor %s is paused", name)
		return importedTask{}, false
	}
	if kind == "push" {
		name = strings.ToLower(name) // as names of procedures are
	}
	c := importedCheck{Name: d.name(m.Line, name)}
	c.AppService = asName(nonEmpty(groups[value(field(m, "parent"))], c.Name))
	interval := secondsOf(m, "interval", time.Minute)
	if kind == "push" {
		d.note(m.Line, "%s: its job pings another address, and its push token ends", c.Name)
		return importedTask{
			Name: c.Name, AppService: c.AppService, Interval: config.Duration(interval).String(),
		}, true
	}
	c.Interval = config.Duration(interval)
	c.Timeout = config.Duration(min(interval, secondsOf(m, "timeout", interval*8/10)))
	if value(field(m, "upsideDown")) == "true" {
		d.fail(m.Line, "%s: upside down: a check that fails is down here", c.Name)
		return importedTask{}, false
	}
	var p probe
	if p, c.Target = d.kumaProbe(kind, m, c.Name); p.prober != "" {
		d.check(m.Line, c, p)
	}
	for _, key := range []string{"proxyId", "authMethod", "docker_host", "resendInterval"} {
		if n := field(m, key); value(n) != "" && value(n) != "0" {
			d.note(n.Line, "%s of %s", key, c.Name)
		}
	}
	return importedTask{}, false
}

// secondsOf returns a number of seconds of a monitor.
func secondsOf(m *yaml.Node, key string, otherwise time.Duration) time.Duration {
	s, err := strconv.ParseFloat(value(field(m, key)), 64)
	if err != nil || s < 1 || s > 1e7 {
		return otherwise
	}
	return time.Duration(s * float64(time.Second))
}

// kumaProbe returns what probes a monitor, and its target; no prober for one that cannot be probed.
func (d *draft) kumaProbe(kind string, m *yaml.Node, name string) (probe, string) {
	p := probe{settings: map[string]any{}}
	host, port := value(field(m, "hostname")), value(field(m, "port"))
	switch kind {
	case "http", "keyword", "json-query":
		p.prober = "http"
		d.kumaHTTP(kind, m, name, p.settings)
		return p, value(field(m, "url"))
	case "port":
		p.prober = "tcp"
		return p, net.JoinHostPort(host, port)
	case "ping":
		p.prober = "icmp"
		return p, host
	case "dns":
		p.prober = "dns"
		p.settings["query_name"] = host
		p.settings["query_type"] = nonEmpty(value(field(m, "dns_resolve_type")), "A")
		return p, net.JoinHostPort(nonEmpty(value(field(m, "dns_resolve_server")), "1.1.1.1"), nonEmpty(port, "53"))
	case "grpc-keyword":
		p.prober = "grpc"
		p.settings["tls"] = value(field(m, "grpcEnableTls")) == "true"
		d.note(m.Line, "%s: the standard health service is asked (grpc.health.v1), not a method of its own", name)
		return p, value(field(m, "grpcUrl"))
	}
	d.fail(m.Line,
		"%s: nothing probes a monitor of type %q: http, keyword, json-query, port, ping, dns, grpc-keyword and push are read",
		name, kind)
	return probe{}, ""
}

// kumaHTTP fills in the settings of an http module.
func (d *draft) kumaHTTP(kind string, m *yaml.Node, name string, settings map[string]any) {
	if method := value(field(m, "method")); method != "" && method != "GET" {
		settings["method"] = method
	}
	if body := value(field(m, "body")); body != "" {
		settings["body"] = body
	}
	var headers map[string]string
	if n := field(m, "headers"); value(n) != "" {
		if err := json.Unmarshal([]byte(value(n)), &headers); err != nil {
			d.note(n.Line, "headers of %s: %v", name, err)
		}
		for key := range headers {
			if strings.EqualFold(key, "authorization") || strings.EqualFold(key, "cookie") {
				d.note(n.Line, "header %s of %s: write it under secret_headers of the check", key, name)
				delete(headers, key)
			}
		}
		if len(headers) > 0 {
			settings["headers"] = headers
		}
	}
	var codes []int
	for _, text := range values(field(m, "accepted_statuscodes")) {
		more := codeRange(text)
		if more == nil {
			d.note(line(field(m, "accepted_statuscodes")), "status codes %q of %s", text, name)
		}
		codes = append(codes, more...)
	}
	if len(codes) > 0 && !everySuccess(codes) {
		settings["valid_status_codes"] = codes
	}
	if value(field(m, "ignoreTls")) == "true" {
		settings["tls_config"] = map[string]any{"insecure_skip_verify": true}
	}
	if value(field(m, "maxredirects")) == "0" {
		settings["follow_redirects"] = false
	}
	switch kind {
	case "keyword":
		key := "fail_if_body_not_matches_regexp"
		if value(field(m, "invertKeyword")) == "true" {
			key = "fail_if_body_matches_regexp"
		}
		settings[key] = []string{regexp.QuoteMeta(value(field(m, "keyword")))}
	case "json-query":
		n := field(m, "jsonPath")
		d.note(line(n), "query %s of %s: write fail_if_body_json_not_matches_cel of the module", value(n), name)
	}
}
