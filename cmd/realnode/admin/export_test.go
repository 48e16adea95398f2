package admin

import (
	"net/http"
)

const (
	MaxStreams  = maxStreams
	MaxRequests = maxRequests
)

// Handler is what a server of a configuration answers with.
func Handler(cfg Config) http.Handler { return newServer(cfg).handler() }

// ClientOver is a client whose requests somebody answers without a network.
func ClientOver(t http.RoundTripper) *Client {
	return &Client{http: &http.Client{Transport: t}, base: "http://localhost", where: "nowhere"}
}
