package decode

import "testing"

func TestTraefikLines(t *testing.T) {
	testLines(t, "traefik", map[string]lineCase{
		"request": {
			jsonSeeds[2], Counted,
			event{host: "acme.example.com", path: "/a", status: 200, duration: 12345678, bytes: 512, time: testTime + 123456789},
		},
	})
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestTraefikAborted(t *testing.T) {
	testStatuses(t, "traefik", map[string]statusCase{
		`{"RequestHost":"a","DownstreamStatus":499,"OriginStatus":499}`:                       {Counted, 499},
		`{"RequestHost":"a","DownstreamStatus":0}`:                                            {Counted, 499},
		`{"RequestHost":"a","DownstreamStatus":0,"OriginDuration":0,"OriginStatus":0}`:        {Counted, 499},
		`{"RequestHost":"a","DownstreamStatus":0,"OriginDuration":84000000,"OriginStatus":0}`: {Counted, 101},
		`{"RequestHost":"a","DownstreamStatus":502}`:                                          {Counted, 502},
	})
}
