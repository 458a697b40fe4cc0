package config

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// Channel is one way to notify people. Exactly one of its kinds is set; None states explicitly that there is no dead
// man's switch.
type Channel struct {
	Slack     *Slack     `yaml:"slack"`
	PagerDuty *PagerDuty `yaml:"pagerduty"`
	Webhook   *Webhook   `yaml:"webhook"`
	Email     *Email     `yaml:"email"`
	MSTeams   *MSTeams   `yaml:"msteams"`
	SNS       *SNS       `yaml:"sns"`
	None      bool       `yaml:"-"`
}

// Slack is an incoming webhook of Slack.
type Slack struct {
	Channel string `yaml:"channel"`
	URLFile string `yaml:"url_file" secret:"alertmanager"`
}

// PagerDuty is an integration of PagerDuty's Events API v2.
type PagerDuty struct {
	Service          string `yaml:"service"`
	EscalationPolicy string `yaml:"escalation_policy"`
	RoutingKeyFile   string `yaml:"routing_key_file" secret:"alertmanager"`
	// URL overrides PagerDuty's own address, for a compatible service.
	URL string        `yaml:"url"`
	API *PagerDutyAPI `yaml:"api"`
}

// PagerDutyAPI reads PagerDuty's incidents, so that an acknowledgement there counts here.
type PagerDutyAPI struct {
	TokenFile string `yaml:"token_file" secret:"exporter"`
	// URL is PagerDuty's REST API, of the EU or a compatible service.
	URL string `yaml:"url"`
}

// Webhook posts Alertmanager's own JSON. URL is for addresses that are no secret.
type Webhook struct {
	URL     string `yaml:"url"`
	URLFile string `yaml:"url_file" secret:"alertmanager"`
}

// Email sends mail through an SMTP relay.
type Email struct {
	To           string `yaml:"to"`
	From         string `yaml:"from"`
	Smarthost    string `yaml:"smarthost"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file" secret:"alertmanager"`
}

// MSTeams is an incoming webhook of a Power Automate workflow of Microsoft Teams.
type MSTeams struct {
	URLFile string `yaml:"url_file" secret:"alertmanager"`
}

// SNS sends text messages through Amazon's Simple Notification Service. Its credentials are those of the
// machine, a profile or a role: Alertmanager reads no AWS key from a file, and none belongs in a configuration.
type SNS struct {
	PhoneNumber string `yaml:"phone_number"`
	TopicARN    string `yaml:"topic_arn"`
	Region      string `yaml:"region"`
	Profile     string `yaml:"profile"`
	RoleARN     string `yaml:"role_arn"`
	// URL overrides Amazon's own address, for a compatible service.
	URL string `yaml:"url"`
}

// Deadman is the channel that must receive the Watchdog alert all the time.
const Deadman = "deadman"

// pagerDutyURL is PagerDuty's REST API outside the EU.
const pagerDutyURL = "https://api.pagerduty.com"

// phoneRE is a number in E.164 notation.
var phoneRE = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

var channelsSection = &section[map[string]*Channel]{
	key:      "channels",
	field:    func(p *Policy) *map[string]*Channel { return &p.Channels },
	inherit:  inheritChannels,
	validate: validateChannels,
	warn:     warnOfChannels,
}

// UnmarshalText reads the word none, the only text a channel may be.
func (c *Channel) UnmarshalText(text []byte) error {
	if string(text) != "none" {
		return errors.New("invalid channel: write one of slack, pagerduty, webhook, email, msteams or sns with its " +
			"settings, or the word none")
	}
	c.None = true
	return nil
}

func inheritChannels(_ *Policy, channels *map[string]*Channel) {
	for _, c := range *channels {
		if c.PagerDuty != nil && c.PagerDuty.API != nil && c.PagerDuty.API.URL == "" {
			c.PagerDuty.API.URL = pagerDutyURL
		}
	}
}

func validateChannels(v *validator, channels map[string]*Channel) {
	for _, name := range sortedKeys(channels) {
		v.channel(name, channels[name])
	}
	if _, ok := channels[Deadman]; !ok {
		v.failAt("channels", "missing deadman: name who must notice that the alerting itself died, or write deadman: none")
	}
}

func warnOfChannels(v *validator, channels map[string]*Channel) {
	if deadman, ok := channels[Deadman]; ok && deadman.None {
		v.warn("channels.deadman", "no dead man's switch: a failure of the alerting itself goes unnoticed")
	}
}

// kinds are the names of the kinds that are set.
func (c *Channel) kinds() []string {
	var set []string
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"slack", c.Slack != nil},
		{"pagerduty", c.PagerDuty != nil},
		{"webhook", c.Webhook != nil},
		{"email", c.Email != nil},
		{"msteams", c.MSTeams != nil},
		{"sns", c.SNS != nil},
		{"none", c.None},
	} {
		if k.set {
			set = append(set, k.name)
		}
	}
	return set
}

// channel checks what one channel needs.
func (v *validator) channel(name string, c *Channel) {
	path := "channels." + name
	v.name(path, name)
	switch {
	case len(c.kinds()) != 1:
		v.failAt(path, "must have exactly one of slack, pagerduty, webhook, email, msteams or sns")
	case c.None && name != Deadman:
		v.failAt(path, "only deadman may be none")
	case c.Slack != nil && (c.Slack.URLFile == "" || c.Slack.Channel == ""):
		v.failAt(path, "missing channel or url_file of slack: url_file names a file that holds the webhook's URL")
	case c.PagerDuty != nil && c.PagerDuty.RoutingKeyFile == "":
		v.failAt(path, "missing routing_key_file of pagerduty: write the name of a file that holds the integration's key")
	case c.PagerDuty != nil && c.PagerDuty.API != nil:
		if c.PagerDuty.API.TokenFile == "" {
			v.failAt(path+".pagerduty.api", "missing token_file: "+
				"write the name of a file that holds a read-only key of PagerDuty's REST API")
		}
		v.address(path+".pagerduty.api.url", c.PagerDuty.API.URL)
	case c.Webhook != nil && (c.Webhook.URL == "") == (c.Webhook.URLFile == ""):
		v.failAt(path, "webhook must have either url or url_file")
	case c.Webhook != nil && c.Webhook.URL != "":
		v.webhook(path+".webhook.url", c.Webhook.URL)
	case c.Email != nil && (c.Email.To == "" || c.Email.From == "" || c.Email.Smarthost == ""):
		v.failAt(path, "missing to, from or smarthost of email: write all three, smarthost like mail.example.com:587")
	case c.MSTeams != nil && c.MSTeams.URLFile == "":
		v.failAt(path, "missing url_file of msteams: write the name of a file that holds the workflow's URL")
	case c.SNS != nil:
		v.sms(path+".sns", c.SNS)
	}
}

// webhook checks an address that Alertmanager posts to, which it would refuse only when it loads its configuration. The
// value is not quoted, because it may hold a token.
func (v *validator) webhook(path, address string) {
	if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		v.failAt(path, "invalid address: write it like https://hooks.example.com/alerts")
	}
}

func (v *validator) sms(path string, s *SNS) {
	switch {
	case (s.PhoneNumber == "") == (s.TopicARN == ""):
		v.failAt(path, "must have either phone_number or topic_arn")
	case s.PhoneNumber != "" && !phoneRE.MatchString(s.PhoneNumber):
		v.failAt(path+".phone_number", "invalid phone number %q: write it in quotes like \"+4930123456\"", s.PhoneNumber)
	case s.TopicARN != "" && !strings.HasPrefix(s.TopicARN, "arn:"):
		v.failAt(path+".topic_arn", "invalid ARN %q: write it like arn:aws:sns:eu-central-1:123456789012:pages", s.TopicARN)
	case s.Region == "":
		v.failAt(path, "missing region: write it like eu-central-1")
	}
}
