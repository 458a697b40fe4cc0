package alertmanager

// The shapes that Alertmanager reads, keys in the order in which people expect them.
type (
	file struct {
		Route         route          `yaml:"route"`
		InhibitRules  []inhibition   `yaml:"inhibit_rules,omitempty"`
		TimeIntervals []timeInterval `yaml:"time_intervals,omitempty"`
		Receivers     []receiver     `yaml:"receivers"`
		Templates     []string       `yaml:"templates"`
	}
	route struct {
		Matchers            []string `yaml:"matchers,omitempty"`
		Receiver            string   `yaml:"receiver,omitempty"`
		Continue            bool     `yaml:"continue,omitempty"`
		GroupBy             []string `yaml:"group_by,omitempty,flow"`
		GroupWait           string   `yaml:"group_wait,omitempty"`
		GroupInterval       string   `yaml:"group_interval,omitempty"`
		RepeatInterval      string   `yaml:"repeat_interval,omitempty"`
		ActiveTimeIntervals []string `yaml:"active_time_intervals,omitempty,flow"`
		Routes              []route  `yaml:"routes,omitempty"`
	}
	inhibition struct {
		SourceMatchers []string `yaml:"source_matchers"`
		TargetMatchers []string `yaml:"target_matchers"`
		Equal          []string `yaml:"equal,flow"`
	}
	timeInterval struct {
		Name      string `yaml:"name"`
		Intervals []span `yaml:"time_intervals"`
	}
	span struct {
		Times    []clock  `yaml:"times"`
		Weekdays []string `yaml:"weekdays,omitempty,flow"`
		Location string   `yaml:"location"`
	}
	clock struct {
		Start string `yaml:"start_time"`
		End   string `yaml:"end_time"`
	}
	receiver struct {
		Name      string      `yaml:"name"`
		PagerDuty []pagerDuty `yaml:"pagerduty_configs,omitempty"`
		Slack     []slack     `yaml:"slack_configs,omitempty"`
		Webhook   []webhook   `yaml:"webhook_configs,omitempty"`
		Email     []email     `yaml:"email_configs,omitempty"`
		MSTeams   []msTeams   `yaml:"msteamsv2_configs,omitempty"`
		SNS       []sns       `yaml:"sns_configs,omitempty"`
	}
	pagerDuty struct {
		SendResolved   bool              `yaml:"send_resolved"`
		RoutingKeyFile string            `yaml:"routing_key_file"`
		URL            string            `yaml:"url,omitempty"`
		Client         string            `yaml:"client"`
		ClientURL      string            `yaml:"client_url"`
		Description    string            `yaml:"description"`
		Severity       string            `yaml:"severity"`
		Class          string            `yaml:"class"`
		Component      string            `yaml:"component"`
		Group          string            `yaml:"group"`
		Details        map[string]string `yaml:"details"`
		Links          []link            `yaml:"links"`
	}
	link struct {
		Href string `yaml:"href"`
		Text string `yaml:"text"`
	}
	slack struct {
		SendResolved bool   `yaml:"send_resolved"`
		APIURLFile   string `yaml:"api_url_file"`
		Channel      string `yaml:"channel"`
		Color        string `yaml:"color"`
		Title        string `yaml:"title"`
		TitleLink    string `yaml:"title_link"`
		Text         string `yaml:"text"`
		Fallback     string `yaml:"fallback"`
		Footer       string `yaml:"footer"`
	}
	webhook struct {
		SendResolved bool   `yaml:"send_resolved"`
		URL          string `yaml:"url,omitempty"`
		URLFile      string `yaml:"url_file,omitempty"`
	}
	email struct {
		SendResolved     bool              `yaml:"send_resolved"`
		To               string            `yaml:"to"`
		From             string            `yaml:"from"`
		Smarthost        string            `yaml:"smarthost"`
		AuthUsername     string            `yaml:"auth_username,omitempty"`
		AuthPasswordFile string            `yaml:"auth_password_file,omitempty"`
		Headers          map[string]string `yaml:"headers"`
		HTML             string            `yaml:"html"`
		Text             string            `yaml:"text"`
	}
	msTeams struct {
		SendResolved   bool   `yaml:"send_resolved"`
		WebhookURLFile string `yaml:"webhook_url_file"`
		Title          string `yaml:"title"`
		Text           string `yaml:"text"`
	}
	sns struct {
		SendResolved bool   `yaml:"send_resolved"`
		APIURL       string `yaml:"api_url,omitempty"`
		SigV4        sigV4  `yaml:"sigv4"`
		PhoneNumber  string `yaml:"phone_number,omitempty"`
		TopicARN     string `yaml:"topic_arn,omitempty"`
		Subject      string `yaml:"subject"`
		Message      string `yaml:"message"`
	}
	sigV4 struct {
		Region  string `yaml:"region"`
		Profile string `yaml:"profile,omitempty"`
		RoleARN string `yaml:"role_arn,omitempty"`
	}
)
