package config

import (
	"strings"
	"testing"
)

func TestStorageErrorsNameTheCure(t *testing.T) {
	const project = "abcdefghijklmnopqrst"
	for _, c := range []struct{ text, want string }{
		{"{interval: 1h}", `storage.interval: invalid duration "1h": write 1s to 5m`},
		{"{timeout: 1ms}", `storage.timeout: invalid duration "1ms": write 100ms to 1m`},
		{"{devices: {include: '('}}", `storage.devices.include: invalid regular expression "("`},
		{"{latency: {read: 0s}}", `storage.latency.read: invalid duration "0s": write more than 0, like 10ms`},
		{"{latency: {write: 0s}}", `storage.latency.write: invalid duration "0s": write more than 0, like 10ms`},
		{"{limits: [{device: sda, iops: -5}]}", `storage.limits[0].iops: invalid number "-5": write more than 0`},
		{"{limits: [{iops: 5}]}", "storage.limits[0]: missing device"},
		{"{limits: [{device: /dev/sda, iops: 5}]}", `invalid device "/dev/sda": write the name alone, without /dev/`},
		{"{limits: [{device: sda}]}", "storage.limits[0]: write iops, throughput or both, or a preset"},
		{"{limits: [{device: sda, preset: gp4}]}", `storage.limits[0].preset: unknown preset "gp4": did you mean gp2?`},
		{"{limits: [{device: sda, preset: gp2}]}", "storage.limits[0].size: missing: write it like 500GiB, because gp2"},
		{"{limits: [{device: sda, preset: io2}]}", "storage.limits[0].iops: missing: write the number bought, like 3000"},
		{
			"{limits: [{device: sda, preset: gp3, iops: 90000}]}",
			`iops: invalid number "90000": write at most 80000, which gp3 has`,
		},
		{
			"{limits: [{device: sda, preset: gp3, throughput: 3GiB}]}",
			`invalid size "3GiB": write at most 2000MiB, which gp3 has`,
		},
		{"{limits: [{device: sda, preset: io1, iops: 5, size: 1GiB}]}", `size: invalid size "1GiB": write 4GiB to`},
		{
			"{limits: [{device: sda, preset: io1, iops: 501, size: 10GiB}]}",
			`iops: invalid number "501": write at most 500, which io1 of 10GiB has, 50 for each GiB`,
		},
		{"{limits: [{device: sda, preset: io2, iops: 10001, size: 10GiB}]}", `invalid number "10001": write at most 10000,`},
		{"{limits: [{device: sda, preset: gp3, iops: 5001, size: 10GiB}]}", `invalid number "5001": write at most 5000,`},
		{
			"{limits: [{device: sda, preset: gp3, throughput: 751MiB}]}",
			`throughput: invalid size "751MiB": write at most 750MiB, which gp3 with 3000 IOPS has`,
		},
		{"{limits: [{device: sda, iops: 5}, {device: sda, iops: 6}]}", "duplicate limit"},
		{
			"{limits: [{device: sda, iops: 5, burst_iops: 5}]}",
			`burst_iops: invalid number "5": write more than iops, which is 5, or leave it out`,
		},
		{
			"{limits: [{device: sda, throughput: 5MiB, burst_throughput: 1MiB}]}",
			`burst_throughput: invalid size "1MiB": write more than throughput, which is 5MiB, or leave it out`,
		},
		{"{limits: [{device: sda, throughput: 5XB}]}", `invalid size "5XB": write it like`},
		{"{supabase: {projects: [{ref: " + project + "}]}}", "must have either token_file or token_env"},
		{"{supabase: {token_env: T, projects: [{ref: x}]}}", `invalid project reference "x"`},
		{
			"{supabase: {token_env: T, projects: [{ref: " + project + ", compute: lage}]}}",
			`unknown compute size "lage": did you mean large?`,
		},
		{
			"{supabase: {token_env: T, interval: 1s, projects: [{ref: " + project + "}]}}",
			`storage.supabase.interval: invalid duration "1s"`,
		},
		{"{supabase: {token_env: T, url: x, projects: [{ref: " + project + "}]}}", `invalid address "x"`},
		{"{supabase: {compute_sizes: {own: {iops: 5}}}}", "compute_sizes.own: missing iops or throughput"},
	} {
		_, err := loadText(t, minimal+"storage: "+c.text+"\n")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "p.yaml:8") {
			t.Errorf("%s: got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestPresets(t *testing.T) {
	const mib = 1 << 20
	for text, want := range map[string]StorageLimit{
		"preset: gp3": {IOPS: 3000, Throughput: 125 * mib},
		"preset: gp3, iops: 16000, throughput: 1GiB":   {IOPS: 16000, Throughput: 1024 * mib},
		"preset: gp3, size: 1GiB":                      {IOPS: 3000, Throughput: 125 * mib},
		"preset: gp3, iops: 5000, size: 10GiB":         {IOPS: 5000, Throughput: 125 * mib},
		"preset: gp3, throughput: 750MiB":              {IOPS: 3000, Throughput: 750 * mib},
		"preset: io2, iops: 10000, size: 10GiB":        {IOPS: 10000, Throughput: 10000 * 16 << 10},
		"preset: gp2, size: 20GiB":                     {IOPS: 100, Throughput: 250 * mib, BurstIOPS: 3000},
		"preset: gp2, size: 500GiB":                    {IOPS: 1500, Throughput: 250 * mib, BurstIOPS: 3000},
		"preset: gp2, size: 10000GiB":                  {IOPS: 16000, Throughput: 250 * mib},
		"preset: io1, iops: 1000":                      {IOPS: 1000, Throughput: 1000 * 16 << 10},
		"preset: io2, iops: 256000":                    {IOPS: 256000, Throughput: 4000 * mib},
		"iops: 500, burst_iops: 3000, throughput: 5MB": {IOPS: 500, Throughput: 5_000_000, BurstIOPS: 3000},
	} {
		p, err := loadText(t, minimal+"storage: {limits: [{device: sda, "+text+"}]}\n")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := *p.Storage.Limits[0]
		want.Device, want.Preset, want.Size = got.Device, got.Preset, got.Size
		if got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

func TestStorageWarnings(t *testing.T) {
	p, err := loadText(t, minimal+
		"storage: {supabase: {token_env: NOT_SET_ANYWHERE, projects: [{ref: abcdefghijklmnopqrst}]}}\n")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, w := range p.Warnings() {
		all.WriteString(w.String() + "\n")
	}
	for _, want := range []string{"NOT_SET_ANYWHERE is not set", "no compute: a small machine limits its disk"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no warning %q in\n%s", want, all.String())
		}
	}
	if got := p.Storage.Supabase.Projects[0].Device; got != "nvme1n1" {
		t.Errorf("device %q", got)
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0": 0, "4096": 4096, "64KiB": 65536, "125MB": 125e6, "1.5GiB": 3 << 29, "10 GiB": 10 << 30, "5B": 5,
	} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s: %d, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "-1", "x", "1e9", "5 iB", "NaN", "9999999TiB", "1GiBGiB", "0x10"} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, b)
		}
	}
	for b, want := range map[Bytes]string{0: "0", 65536: "64KiB", 1000: "1000", 3 << 29: "1536MiB"} {
		if b.String() != want {
			t.Errorf("%d is %s", int64(b), b)
		}
	}
}
