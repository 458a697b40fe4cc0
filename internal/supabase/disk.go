package supabase

import (
	"context"
	"errors"
)

// Disk is what disk a project has.
type Disk struct {
	Type string // gp3 or io2
	// IOPS and SizeGB are as provisioned. ThroughputMiB is 0 where the kind of disk has no such setting.
	IOPS          int
	SizeGB        int
	ThroughputMiB int
}

// Disk asks for the disk of a project. The token needs infra_disk_config_read.
func (c *Client) Disk(ctx context.Context, project string) (Disk, error) {
	const path = "config/disk"
	var answer struct {
		Attributes struct {
			Type       string `json:"type"`
			IOPS       int    `json:"iops"`
			SizeGB     int    `json:"size_gb"`
			Throughput int    `json:"throughput_mibps"`
		} `json:"attributes"`
	}
	if err := c.get(ctx, project, path, nil, &answer); err != nil {
		return Disk{}, err
	}
	d := answer.Attributes
	if d.IOPS <= 0 || d.SizeGB < 0 || d.Throughput < 0 {
		return Disk{}, &Error{Kind: KindAnswer, Path: path, Err: errors.New("the answer names no provisioned IOPS")}
	}
	return Disk{Type: d.Type, IOPS: d.IOPS, SizeGB: d.SizeGB, ThroughputMiB: d.Throughput}, nil
}
