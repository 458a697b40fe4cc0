package importer

import (
	"fmt"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"
	"go.yaml.in/yaml/v3"
)

// alertmanager imports whom an Alertmanager notifies.
var alertmanager = Importer{
	Name:     "alertmanager",
	Help:     "Convert receivers and routes of an Alertmanager's configuration into channels and owners.",
	FileHelp: "Alertmanager's configuration.",
	Convert:  ofText(convertAlertmanager),
}

// ownerLabels are the labels by which routes select teams.
var ownerLabels = []string{"owner", "team", "squad"}

// convertAlertmanager converts each receiver into channels, one for each way that it notifies, and each route of a team
// into an owner.
func convertAlertmanager(text []byte) (Part, error) {
	roots, err := documents(text)
	if err != nil {
		return Part{}, fmt.Errorf("invalid configuration of Alertmanager: %w", err)
	}
	d := &draft{from: "Alertmanager's configuration"}
	for _, root := range roots {
		d.others(root, "Alertmanager", "route", "receivers", "global")
		global := field(root, "global")
		channels := map[string][]string{} // of each receiver
		d.policy.Channels, d.policy.Owners = map[string]any{}, map[string]importedOwner{}
		for _, r := range items(field(root, "receivers")) {
			name := value(field(r, "name"))
			entries(r, func(kind, configs *yaml.Node) {
				if kind.Value == "name" {
					return
				}
				for _, c := range items(configs) {
					if d.full(c.Line) {
						return
					}
					d.channel(name, kind, target(c), global, channels)
				}
			})
		}
		d.owners(field(root, "route"), channels, 0)
	}
	return d.part()
}

// channel adds a channel for one way that a receiver notifies.
func (d *draft) channel(receiver string, kind, c, global *yaml.Node, channels map[string][]string) {
	name := d.name(c.Line, receiver)
	secret := func(file, inline string, defaults ...string) string {
		if f := field(c, file); value(f) != "" {
			return value(f)
		}
		for _, key := range defaults {
			if f := field(global, key+"_file"); value(f) != "" && value(field(c, inline)) == "" {
				return value(f)
			}
		}
		path := secretsDir + name
		d.note(c.Line, "%s: write its secret into %s", name, path)
		return path
	}
	var settings any
	switch kind.Value {
	case "slack_configs":
		settings = map[string]any{"slack": map[string]any{
			"channel": value(field(c, "channel")), "url_file": secret("api_url_file", "api_url", "slack_api_url"),
		}}
		d.others(c, name, "channel", "api_url", "api_url_file", "send_resolved")
	case "pagerduty_configs":
		if n := field(c, "service_key", "service_key_file"); n != nil {
			d.fail(n.Line, "%s: a service key is of the Events API v1: make an integration of v2", name)
			return
		}
		settings = map[string]any{"pagerduty": map[string]any{
			"service": name, "routing_key_file": secret("routing_key_file", "routing_key"),
		}}
		d.others(c, name, "routing_key", "routing_key_file", "send_resolved")
	case "webhook_configs":
		settings = map[string]any{"webhook": map[string]any{"url_file": secret("url_file", "url")}}
		d.others(c, name, "url", "url_file", "send_resolved")
	case "msteamsv2_configs":
		settings = map[string]any{"msteams": map[string]any{"url_file": secret("webhook_url_file", "webhook_url")}}
		d.others(c, name, "webhook_url", "webhook_url_file", "send_resolved")
	case "email_configs":
		settings = d.mail(c, global, name, secret)
	case "sns_configs":
		sns := map[string]any{"region": value(field(field(c, "sigv4"), "region"))}
		for _, key := range []string{"topic_arn", "phone_number"} {
			if v := value(field(c, key)); v != "" {
				sns[key] = v
			}
		}
		settings = map[string]any{"sns": sns}
		d.others(c, name, "topic_arn", "phone_number", "sigv4", "send_resolved")
	default:
		d.fail(c.Line, "%s: %s: a policy has slack, pagerduty, webhook, email, msteams and sns", receiver,
			strings.TrimSuffix(kind.Value, "_configs"))
		return
	}
	d.policy.Channels[name] = settings
	channels[receiver] = append(channels[receiver], name)
}

// mail returns the settings of a channel by mail, with the relay of the global section.
func (d *draft) mail(c, global *yaml.Node, name string, secret func(file, inline string,
	defaults ...string) string,
) any {
	setting := func(key string) string {
		return nonEmpty(value(field(c, key)), value(field(global, "smtp_"+key)))
	}
	mail := map[string]any{"to": value(field(c, "to")), "from": setting("from"), "smarthost": setting("smarthost")}
	if user := setting("auth_username"); user != "" {
		mail["username"] = user
		mail["password_file"] = secret("auth_password_file", "auth_password", "smtp_auth_password")
	}
	d.others(c, name, "to", "from", "smarthost", "auth_username", "auth_password", "auth_password_file", "send_resolved")
	return map[string]any{"email": mail}
}

// maxRoutes bounds how deep routes are nested.
const maxRoutes = 50

// owners adds the team of each route that has one, with the channels of its receiver.
func (d *draft) owners(route *yaml.Node, channels map[string][]string, depth int) {
	if d.full(line(route)) {
		return
	}
	if depth > maxRoutes {
		d.fail(line(route), "routes are nested more than %d deep", maxRoutes)
		return
	}
	receiver := value(field(route, "receiver"))
	for _, owner := range teamsOf(route) {
		if len(channels[receiver]) > 0 {
			d.policy.Owners[owner] = importedOwner{Notify: channels[receiver]}
		}
	}
	if depth > 0 && len(teamsOf(route)) == 0 {
		d.note(line(route), "a route to %s that is not of one team: priorities notify their own channels",
			nonEmpty(receiver, "its parent's receiver"))
	}
	for _, child := range items(field(route, "routes")) {
		d.owners(target(child), channels, depth+1)
	}
}

// teamsOf returns the teams that a route asks for by equality.
func teamsOf(route *yaml.Node) []string {
	var teams []string
	add := func(label, team string) {
		for _, l := range ownerLabels {
			if label == l && team != "" {
				teams = append(teams, asName(team))
			}
		}
	}
	entries(field(route, "match"), func(key, v *yaml.Node) { add(key.Value, value(v)) })
	for _, text := range values(field(route, "matchers")) {
		matchers, err := labels.ParseMatchers(text)
		if err != nil {
			continue
		}
		for _, m := range matchers {
			if m.Type == labels.MatchEqual {
				add(m.Name, m.Value)
			}
		}
	}
	return teams
}
