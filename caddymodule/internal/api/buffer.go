package api

// Accepted names the directory whose buffer was accepted.
type Accepted struct {
	Accepted string `json:"accepted"`
}
