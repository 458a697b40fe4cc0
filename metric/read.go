package metric

// Why a document of a server could not be read: values of LabelReason.
const (
	ReadTimeout     = "timeout"      // it took longer than it may
	ReadNetwork     = "network"      // the server could not be reached, or the connection broke
	ReadRateLimited = "rate_limited" // the server asked for fewer requests: 429
	ReadNotFound    = "not_found"    // the server does not have it: 404
	ReadRefused     = "refused"      // the server refused: another 4xx, or a redirect that is not followed
	ReadServerError = "server_error" // the server failed: 5xx
	ReadMalformed   = "malformed"    // it is too large, or not what it should be
)

// ReadReasons is the closed set.
var ReadReasons = []string{
	ReadTimeout, ReadNetwork, ReadRateLimited, ReadNotFound, ReadRefused, ReadServerError, ReadMalformed,
}
