package packaging

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"
	"go.yaml.in/yaml/v3"
)

// alertmanagerConfig packs routes, receivers and inhibition as an AlertmanagerConfig, and the templates as a ConfigMap.
var alertmanagerConfig = Packaging{
	Name: "alertmanagerconfig",
	Help: "an AlertmanagerConfig of the Prometheus Operator, with the templates as a ConfigMap",
	pack: func(b Bundle) (map[string][]byte, error) {
		text, err := b.alertmanagerConfig()
		if err != nil {
			return nil, err
		}
		return map[string][]byte{"alertmanager-config.yaml": text}, nil
	},
}

// The operator matches the labels of an AlertmanagerConfig's namespace by default, which no alert of ours has.
const matcherStrategy = `# The operator must not add its matcher on the namespace, for these alerts have no
# label namespace. In the Alertmanager object, choose one of:
#
#   alertmanagerConfiguration:          # this object is the whole configuration; it also loads the templates
#     name: thorbis
#     templates: [{configMap: {name: thorbis-alertmanager-templates, key: thorbis.tmpl}}]
#
#   alertmanagerConfigMatcherStrategy: {type: None}   # this object is one of several; mount the templates and name
#   alertmanagerConfigSelector: {matchLabels: {app.kubernetes.io/part-of: thorbis}}   # them under templates yourself
`

// alertmanagerConfig returns the objects. An error names what an AlertmanagerConfig cannot say.
func (b Bundle) alertmanagerConfig() ([]byte, error) {
	var c struct {
		Route     map[string]any   `yaml:"route"`
		Inhibit   []map[string]any `yaml:"inhibit_rules"`
		Intervals []struct {
			Name  string           `yaml:"name"`
			Spans []map[string]any `yaml:"time_intervals"`
		} `yaml:"time_intervals"`
		Receivers []map[string]any `yaml:"receivers"`
		Templates []string         `yaml:"templates"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(b.Files["alertmanager/alertmanager.yaml"]))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		return nil, fmt.Errorf("an AlertmanagerConfig has only routes, receivers, inhibition and time intervals: %w", err)
	}
	t := translator{secret: b.Secret}
	spec := map[string]any{"route": t.object(routeKeys, "route", c.Route), "inhibitRules": []any{}}
	var inhibit, intervals, receivers []any
	for _, rule := range c.Inhibit {
		inhibit = append(inhibit, t.object(inhibitKeys, "inhibit_rules", rule))
	}
	for _, i := range c.Intervals {
		var spans []any
		for _, span := range i.Spans {
			if zone, ok := span["location"].(string); ok && zone != "UTC" {
				t.fail(i.Name, fmt.Sprintf("an AlertmanagerConfig has no time zones, and this interval is in %s: write "+
					"business_hours in UTC, or use the Secret of --only=kubernetes", zone))
			}
			delete(span, "location")
			spans = append(spans, t.object(spanKeys, "time_intervals", span))
		}
		intervals = append(intervals, map[string]any{"name": i.Name, "timeIntervals": spans})
	}
	for _, r := range c.Receivers {
		receivers = append(receivers, t.receiver(r))
	}
	spec["receivers"] = receivers
	if spec["inhibitRules"] = inhibit; len(inhibit) == 0 {
		delete(spec, "inhibitRules")
	}
	if len(intervals) > 0 {
		spec["muteTimeIntervals"] = intervals
	}
	if len(t.errs) > 0 {
		return nil, errors.Join(t.errs...)
	}
	var out bytes.Buffer
	out.WriteString(header + matcherStrategy)
	if len(t.secrets) > 0 {
		out.WriteString("# Keys that the Secret " + b.Secret + " must have, beside this object:\n")
		for _, key := range slices.Sorted(maps.Keys(t.secrets)) {
			out.WriteString("#   " + key + "\n")
		}
	}
	b.begin(&out, "monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", "thorbis", b.Labels)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(map[string]any{"spec": spec}); err != nil {
		return nil, err
	}
	b.begin(&out, "v1", "ConfigMap", "thorbis-alertmanager-templates", nil)
	out.WriteString("data:\n")
	for _, name := range b.in("alertmanager/templates") {
		out.WriteString("  " + path.Base(name) + ": |\n" + indent(b.Files[name], "    "))
	}
	return out.Bytes(), nil
}

// translator turns the keys of Alertmanager into those of an AlertmanagerConfig.
type translator struct {
	secret  string
	secrets map[string]string // the file of each key of the Secret
	errs    []error
}

// key is how a value is written in an AlertmanagerConfig.
type key struct {
	name string
	turn func(*translator, string, any) any // nil leaves the value as it is
}

var routeKeys, inhibitKeys, spanKeys map[string]key

// receiverKinds are the kinds of receivers that a policy has.
var receiverKinds map[string]struct {
	name string
	keys map[string]key
}

func init() {
	secret := func(name string) key { return key{name, (*translator).secretKey} }
	pairs := func(name string) key { return key{name, (*translator).pairs} }
	matchers := func(name string) key { return key{name, (*translator).matchers} }
	resolved := key{name: "sendResolved"}
	routeKeys = map[string]key{
		"receiver": {name: "receiver"}, "continue": {name: "continue"}, "group_by": {name: "groupBy"},
		"group_wait": {name: "groupWait"}, "group_interval": {name: "groupInterval"},
		"repeat_interval": {name: "repeatInterval"}, "matchers": matchers("matchers"),
		"active_time_intervals": {name: "activeTimeIntervals"}, "mute_time_intervals": {name: "muteTimeIntervals"},
		"routes": {"routes", list(func(t *translator, v map[string]any) any { return t.object(routeKeys, "routes", v) })},
	}
	inhibitKeys = map[string]key{
		"source_matchers": matchers("sourceMatch"), "target_matchers": matchers("targetMatch"), "equal": {name: "equal"},
	}
	clock := map[string]key{"start_time": {name: "startTime"}, "end_time": {name: "endTime"}}
	spanKeys = map[string]key{
		"times":    {"times", list(func(t *translator, v map[string]any) any { return t.object(clock, "times", v) })},
		"weekdays": {name: "weekdays"},
	}
	link := map[string]key{"href": {name: "href"}, "text": {name: "alt"}}
	sigV4 := map[string]key{"region": {name: "region"}, "profile": {name: "profile"}, "role_arn": {name: "roleArn"}}
	receiverKinds = map[string]struct {
		name string
		keys map[string]key
	}{
		"pagerduty_configs": {"pagerdutyConfigs", map[string]key{
			"send_resolved": resolved, "routing_key_file": secret("routingKey"), "url": {name: "url"},
			"client": {name: "client"}, "client_url": {name: "clientURL"}, "description": {name: "description"},
			"severity": {name: "severity"}, "class": {name: "class"}, "component": {name: "component"},
			"group": {name: "group"}, "details": pairs("details"),
			"links": {"pagerDutyLinkConfigs", list(func(t *translator, v map[string]any) any {
				return t.object(link, "links", v)
			})},
		}},
		"slack_configs": {"slackConfigs", map[string]key{
			"send_resolved": resolved, "api_url_file": secret("apiURL"), "channel": {name: "channel"},
			"color": {name: "color"}, "title": {name: "title"}, "title_link": {name: "titleLink"}, "text": {name: "text"},
			"fallback": {name: "fallback"}, "footer": {name: "footer"},
		}},
		"webhook_configs": {"webhookConfigs", map[string]key{
			"send_resolved": resolved, "url": {name: "url"}, "url_file": secret("urlSecret"),
		}},
		"email_configs": {"emailConfigs", map[string]key{
			"send_resolved": resolved, "to": {name: "to"}, "from": {name: "from"}, "smarthost": {name: "smarthost"},
			"auth_username": {name: "authUsername"}, "auth_password_file": secret("authPassword"),
			"headers": pairs("headers"), "html": {name: "html"}, "text": {name: "text"},
		}},
		"msteamsv2_configs": {"msteamsv2Configs", map[string]key{
			"send_resolved": resolved, "webhook_url_file": secret("webhookURL"), "title": {name: "title"},
			"text": {name: "text"},
		}},
		"sns_configs": {"snsConfigs", map[string]key{
			"send_resolved": resolved, "api_url": {name: "apiURL"}, "phone_number": {name: "phoneNumber"},
			"topic_arn": {name: "topicARN"}, "subject": {name: "subject"}, "message": {name: "message"},
			"sigv4": {"sigv4", func(t *translator, at string, v any) any {
				settings, _ := v.(map[string]any)
				return t.object(sigV4, at, settings)
			}},
		}},
	}
}

// fail notes what an AlertmanagerConfig cannot say.
func (t *translator) fail(at, fault string) { t.errs = append(t.errs, fmt.Errorf("%s: %s", at, fault)) }

// object renames the keys of a mapping.
func (t *translator) object(keys map[string]key, at string, from map[string]any) map[string]any {
	to := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		k, ok := keys[name]
		switch {
		case !ok:
			t.fail(at, name+" has no counterpart in an AlertmanagerConfig: use the Secret of --only=kubernetes")
		case k.turn == nil:
			to[k.name] = from[name]
		default:
			to[k.name] = k.turn(t, at+"."+name, from[name])
		}
	}
	return to
}

// receiver turns a receiver with all of its configurations.
func (t *translator) receiver(from map[string]any) map[string]any {
	at := fmt.Sprintf("receiver %v", from["name"])
	to := map[string]any{"name": from["name"]}
	for kind, configs := range from {
		if kind == "name" {
			continue
		}
		k, ok := receiverKinds[kind]
		if !ok {
			t.fail(at, kind+" has no counterpart here: use the Secret of --only=kubernetes")
			continue
		}
		to[k.name] = list(func(t *translator, v map[string]any) any { return t.object(k.keys, at, v) })(t, at, configs)
	}
	return to
}

// list turns each mapping of a list.
func list(turn func(*translator, map[string]any) any) func(*translator, string, any) any {
	return func(t *translator, _ string, v any) any {
		var to []any
		items, _ := v.([]any)
		for _, item := range items {
			mapping, _ := item.(map[string]any)
			to = append(to, turn(t, mapping))
		}
		return to
	}
}

// secretKey turns the file of a secret into a key of the Secret.
func (t *translator) secretKey(at string, v any) any {
	file := fmt.Sprint(v)
	name := path.Base(file)
	if other, ok := t.secrets[name]; ok && other != file {
		t.fail(at, fmt.Sprintf("%s and %s would be one key of the Secret: rename one", other, file))
	}
	if t.secrets == nil {
		t.secrets = map[string]string{}
	}
	t.secrets[name] = file
	return map[string]any{"name": t.secret, "key": name}
}

// pairs turns a mapping of texts into a list, sorted.
func (t *translator) pairs(_ string, v any) any {
	var to []any
	mapping, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(mapping)) {
		to = append(to, map[string]any{"key": name, "value": mapping[name]})
	}
	return to
}

// matchers parses matchers.
func (t *translator) matchers(at string, v any) any {
	var to []any
	texts, _ := v.([]any)
	for _, text := range texts {
		m, err := labels.ParseMatcher(fmt.Sprint(text))
		if err != nil {
			t.fail(at, err.Error())
			continue
		}
		to = append(to, map[string]any{"name": m.Name, "value": m.Value, "matchType": m.Type.String()})
	}
	return to
}
