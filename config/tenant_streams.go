package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
)

// KafkaSource is a topic of a Kafka cluster, or of another server with its protocol. Each record holds one record of a
// request log, or several, one on each line.
type KafkaSource struct {
	Brokers []string `yaml:"brokers"`
	Topic   string   `yaml:"topic"`
	// Group is the consumer group whose offsets are written for programs that show lag; none if empty. They are never
	// read.
	Group string     `yaml:"group"`
	SASL  *KafkaSASL `yaml:"sasl"`
	TLS   *ClientTLS `yaml:"tls"`
}

// Forward is the stream to which a receiver appends: exactly one of Kafka and NATS is set.
type Forward struct {
	Kafka *KafkaTopic `yaml:"kafka"`
	NATS  *NATSSource `yaml:"nats"`
}

// KafkaTopic is a topic to which is written.
type KafkaTopic struct {
	Brokers []string   `yaml:"brokers"`
	Topic   string     `yaml:"topic"`
	SASL    *KafkaSASL `yaml:"sasl"`
	TLS     *ClientTLS `yaml:"tls"`
}

// To is the topic without what only a reader needs.
func (k *KafkaSource) To() *KafkaTopic {
	return &KafkaTopic{Brokers: k.Brokers, Topic: k.Topic, SASL: k.SASL, TLS: k.TLS}
}

// KafkaSASL is how a client proves who it is.
type KafkaSASL struct {
	Mechanism string     `yaml:"mechanism"`
	Username  string     `yaml:"username"`
	Password  *SecretRef `yaml:"password"`
}

// NATSSource is a stream of NATS JetStream. With Partitions its subjects are Subject.0 to Subject.<n-1>; without it is
// one partition, of the messages of Subject or of the whole stream.
type NATSSource struct {
	URL         string     `yaml:"url"`
	Stream      string     `yaml:"stream"`
	Subject     string     `yaml:"subject"`
	Partitions  int        `yaml:"partitions"`
	Credentials *SecretRef `yaml:"credentials"`
	Username    string     `yaml:"username"`
	Password    *SecretRef `yaml:"password"`
	Token       *SecretRef `yaml:"token"`
	TLS         *ClientTLS `yaml:"tls"`
}

// ClientTLS is how a client checks a server, and proves who it is. An empty one checks the server with the system's
// certificates.
type ClientTLS struct {
	CAFile             string `yaml:"ca_file"`
	CertFile           string `yaml:"cert_file"`
	KeyFile            string `yaml:"key_file" secret:"exporter"`
	ServerName         string `yaml:"server_name"`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
}

// SASLMechanisms are the values of KafkaSASL.Mechanism.
var SASLMechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

// Bounds of a source that is a stream.
const (
	maxBrokers    = 100
	maxPartitions = 4096
)

var (
	// See Kafka's org.apache.kafka.common.internals.Topic.
	topicRE = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	// See ADR-6 of NATS; wildcards would hide which partition a message is of.
	subjectRE    = regexp.MustCompile(`^[^\s.*>]+(\.[^\s.*>]+)*$`)
	streamNameRE = regexp.MustCompile(`^[^\s.*>/\\]{1,255}$`)
)

// Streams reports whether the source is a stream with partitions.
func (s *Source) Streams() bool { return s.Kafka != nil || s.NATS != nil }

func (v *validator) stream(path string, s *Source) {
	if k := s.Kafka; k != nil {
		v.kafka(path+".kafka", k.To())
	}
	if n := s.NATS; n != nil {
		v.nats(path+".nats", n)
	}
	if s.Streams() && s.format().Header {
		v.failAt(path+".format",
			"%s names its columns in lines of their own, and each partition would need them: send records of another format",
			s.Format)
	}
}

func (v *validator) forward(path string, f *Forward) {
	if (f.Kafka == nil) == (f.NATS == nil) {
		v.failAt(path, "must have either kafka or nats")
		return
	}
	if f.Kafka != nil {
		v.kafka(path+".kafka", f.Kafka)
		return
	}
	v.nats(path+".nats", f.NATS)
	if f.NATS.Subject == "" {
		v.failAt(path+".nats", "missing subject: write the one whose messages the stream keeps")
	}
}

func (v *validator) kafka(path string, k *KafkaTopic) {
	if len(k.Brokers) == 0 {
		v.failAt(path, "missing brokers: write the addresses of some of them, such as kafka-1.example.com:9092")
	}
	v.tooMany(path+".brokers", "brokers", len(k.Brokers), maxBrokers)
	for i, broker := range k.Brokers {
		if host, port, err := net.SplitHostPort(broker); err != nil || host == "" || port == "" {
			v.failAt(fmt.Sprintf("%s.brokers[%d]", path, i),
				"invalid address %q: write it like kafka-1.example.com:9092", broker)
		}
	}
	switch {
	case k.Topic == "":
		v.failAt(path, "missing topic")
	case !topicRE.MatchString(k.Topic) || k.Topic == "." || k.Topic == "..":
		v.failAt(path+".topic", "invalid topic %q: a topic has letters, digits, and the characters . _ -", k.Topic)
	}
	if sasl := k.SASL; sasl != nil {
		v.oneOf(path+".sasl.mechanism", sasl.Mechanism, SASLMechanisms)
		if sasl.Username == "" || sasl.Password == nil {
			v.failAt(path+".sasl", "missing username or password: write password as {file: PATH} or {env: NAME}")
		}
		v.optionalSecret(path+".sasl.password", sasl.Password)
	}
	v.clientTLS(path+".tls", k.TLS)
}

func (v *validator) nats(path string, n *NATSSource) {
	u, err := url.Parse(n.URL)
	switch {
	case n.URL == "":
		v.failAt(path, "missing url: write it like nats://nats.example.com:4222")
	case err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
		v.failAt(path+".url", "invalid address: write it like nats://nats.example.com:4222, or with tls:// in front")
	case u.User != nil:
		v.failAt(path+".url", "holds a user or password: write username and password, or token, beside it")
	}
	switch {
	case n.Stream == "":
		v.failAt(path, "missing stream")
	case !streamNameRE.MatchString(n.Stream):
		v.failAt(path+".stream", `invalid name %q: the name of a stream has no spaces, and none of . * > / \`, n.Stream)
	}
	if n.Subject != "" && !subjectRE.MatchString(n.Subject) {
		v.failAt(path+".subject", "invalid subject %q: write it without wildcards, such as requests", n.Subject)
	}
	v.number(path+".partitions", n.Partitions, 0, maxPartitions)
	if n.Partitions > 0 && n.Subject == "" {
		v.failAt(path, "missing subject: the partitions are the subjects <subject>.0 to <subject>.%d", n.Partitions-1)
	}
	v.optionalSecret(path+".credentials", n.Credentials)
	v.optionalSecret(path+".token", n.Token)
	v.optionalSecret(path+".password", n.Password)
	ways := 0
	for _, set := range []bool{n.Credentials != nil, n.Token != nil, n.Username != "" || n.Password != nil} {
		if set {
			ways++
		}
	}
	switch {
	case ways > 1:
		v.failAt(path, "must have at most one of credentials, token, or username and password")
	case (n.Username == "") != (n.Password == nil):
		v.failAt(path, "must have both username and password, or neither")
	}
	v.clientTLS(path+".tls", n.TLS)
}

func (v *validator) optionalSecret(path string, r *SecretRef) {
	if r != nil {
		v.secretRef(path, r)
	}
}

func (v *validator) clientTLS(path string, t *ClientTLS) {
	if t != nil && (t.CertFile == "") != (t.KeyFile == "") {
		v.failAt(path, "must have both cert_file and key_file, or neither")
	}
}

// resolveStream makes the names of its files absolute.
func (s *Source) resolveStream(v *validator, path string) {
	if s.Kafka != nil {
		s.Kafka.TLS.resolve(v, path+".kafka.tls")
	}
	if s.NATS != nil {
		s.NATS.TLS.resolve(v, path+".nats.tls")
	}
	switch f := s.Forward; {
	case f == nil:
	case f.Kafka != nil:
		f.Kafka.TLS.resolve(v, path+".forward.kafka.tls")
	case f.NATS != nil:
		f.NATS.TLS.resolve(v, path+".forward.nats.tls")
	}
}

func (t *ClientTLS) resolve(v *validator, path string) {
	if t == nil {
		return
	}
	if t.CAFile != "" {
		t.CAFile = v.resolve(path+".ca_file", t.CAFile)
	}
	if t.CertFile != "" {
		t.CertFile = v.resolve(path+".cert_file", t.CertFile)
	}
}
