// Package admin is how a running node is looked at and told what to do: an HTTP
// interface with JSON bodies, and the client of it that the command line uses.
//
// It listens on a unix socket, whose file permissions say who may use it, or on
// TCP at a loopback address, where every request carries a bearer token. Faults
// can be injected in lab mode only.
//
//	GET    /v1/status           identity, stack, counts, health
//	GET    /v1/members          what the membership protocol believes
//	GET    /v1/view             the overlay's links
//	GET    /v1/events           server-sent events: everything protocols emit
//	POST   /v1/broadcast        the body is the payload
//	POST   /v1/leave            say goodbye and stop
//	GET    /v1/keys             the keys of the replicated map, in order:
//	                            ?prefix= &after= &limit=
//	GET    /v1/keys/{key}       what a key holds: JSON, or its bytes with
//	                            Accept: application/octet-stream
//	PUT    /v1/keys/{key}       the body is the value, at most 1 MiB
//	DELETE /v1/keys/{key}
//	POST   /v1/keys/{key}/increment   its counter, by 1 or ?by=
//	POST   /v1/keys/{key}/add         the body to its set
//	POST   /v1/keys/{key}/remove      the body from its set
//	POST   /v1/command          a workload command, by name (lab mode)
//	POST   /v1/lab/rules        begin a network rule (lab mode)
//	DELETE /v1/lab/rules/{id}   end it
//	GET    /v1/lab/counters     what was sent, received and lost (lab mode)
//	GET    /metrics             Prometheus
//	GET    /livez /readyz       for those who watch the process
//	GET    /debug/pprof/        if asked for
//
// A key is any bytes, percent-encoded: a slash in it is %2F, a key of dots %2E. A
// write is answered when it is on the node's disk; the others get it by and by.
// A key that is not there is 404, a stack without a map 501.
//
// Errors are {"error": "..."} with a fitting status: 4xx is the asker's mistake.
// What comes while many requests are answered, or when many watch events, is
// refused with 503 and the reason, but for the questions about health.
package admin
