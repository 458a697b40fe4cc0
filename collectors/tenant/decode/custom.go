package decode

// customJSON is any other log of JSON objects: the source names its keys and its unit.
var customJSON = format{
	name: "json", read: readFields, durations: true, unit: seconds, unitVaries: true, keysVary: true,
}
