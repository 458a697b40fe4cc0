package decode

// ingressNginx is the default log-format-upstream of ingress-nginx (docs/user-guide/nginx-configuration/log-format.md):
// combined, then
//
//	$request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr
//	  $upstream_response_length $upstream_response_time $upstream_status $req_id
//
// It names no host. Requests that were aborted look as in combined.
var ingressNginx = format{
	name: "ingress-nginx", durations: true, unit: seconds,
	decoder: func(o Options) Decoder { return newCombined(o, readAfterIngress) },
}

func readAfterIngress(_ *combined, b []byte, e *Event) Outcome {
	if len(b) < 2 || b[0] != ' ' {
		return Syntax
	}
	length, b := word(b[1:])
	took, b := word(b)
	if _, ok := whole(length); !ok || len(took) == 0 || len(b) == 0 || b[0] != '[' {
		return Syntax
	}
	e.setDuration(took, seconds)
	return Counted
}
