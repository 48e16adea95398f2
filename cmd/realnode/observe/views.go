package observe

import (
	"errors"
	"sync/atomic"

	"github.com/starling-sim/starling/protocol"
)

// status is what a node believes of a member, as its events tell.
type status uint8

const (
	statusUnknown status = iota
	statusAlive
	statusSuspect
	statusDead
	statusLeft
	statuses
)

var statusNames = [statuses]string{"", "alive", "suspect", "dead", "left"}

// memberEvents are the events by which a membership protocol tells of its
// members: the status that the event's peer has from then on, statusUnknown if
// it is forgotten. Events have no role for this yet.
func memberEvents() map[string]status {
	return map[string]status{
		"swim.alive":        statusAlive,
		"swim.suspect":      statusSuspect,
		"swim.confirm_dead": statusDead,
		"swim.left":         statusLeft,
		"swim.reap":         statusUnknown,
	}
}

// views follows a node's view of the membership and of its overlay through its
// events. It is written on the node's loop only and counted from anywhere. What
// it holds is bounded by what the protocols hold.
type views struct {
	becomes map[protocol.EventKind]status
	roles   map[protocol.EventKind]protocol.EventRole

	members map[protocol.NodeID]status
	links   map[uint8]map[protocol.NodeID]struct{} // by number of protocol

	memberCount [statuses]atomic.Int64
	linkCount   map[uint8]*linkCount
	contents    map[uint8]*contents // of protocols that keep keys
}

// contents is what a replica last said of what it holds.
type contents struct {
	protocol               string
	root, keys, tombstones atomic.Uint64
	told                   atomic.Bool
}

type linkCount struct {
	protocol string
	atomic.Int64
}

func newViews(c *Catalog) *views {
	v := &views{
		becomes:   map[protocol.EventKind]status{},
		roles:     map[protocol.EventKind]protocol.EventRole{},
		members:   map[protocol.NodeID]status{},
		links:     map[uint8]map[protocol.NodeID]struct{}{},
		linkCount: map[uint8]*linkCount{},
		contents:  map[uint8]*contents{},
	}
	for name, s := range memberEvents() {
		if k := c.names[name]; k != nil {
			v.becomes[k.Kind] = s
		}
	}
	for number, k := range c.kinds {
		if k.Role == protocol.RoleLinkUp || k.Role == protocol.RoleLinkDown {
			v.roles[number] = k.Role
			v.links[number.Protocol()] = map[protocol.NodeID]struct{}{}
			v.linkCount[number.Protocol()] = &linkCount{protocol: k.protocol}
		}
		if k.Role == protocol.RoleRoot {
			v.roles[number] = k.Role
			v.contents[number.Protocol()] = &contents{protocol: k.protocol}
		}
	}
	return v
}

// apply follows one record.
func (v *views) apply(r protocol.Record) {
	switch r.Event.Kind {
	case protocol.EventNodeStarted, protocol.EventNodeRestarted, protocol.EventNodeCrashed, protocol.EventNodeLeft:
		v.forget()
		return
	}
	if v.roles[r.Event.Kind] == protocol.RoleRoot {
		c := v.contents[r.Event.Kind.Protocol()]
		c.root.Store(r.Event.Args[0])
		c.keys.Store(r.Event.Args[1])
		c.tombstones.Store(r.Event.Args[2])
		c.told.Store(true)
		return
	}
	if r.Event.Peer == 0 || r.Event.Peer == r.Node {
		return
	}
	if s, ok := v.becomes[r.Event.Kind]; ok {
		v.set(r.Event.Peer, s)
		return
	}
	switch number := r.Event.Kind.Protocol(); v.roles[r.Event.Kind] {
	case protocol.RoleLinkUp:
		v.links[number][r.Event.Peer] = struct{}{}
		v.linkCount[number].Store(int64(len(v.links[number])))
	case protocol.RoleLinkDown:
		delete(v.links[number], r.Event.Peer)
		v.linkCount[number].Store(int64(len(v.links[number])))
	}
}

func (v *views) set(id protocol.NodeID, s status) {
	v.memberCount[v.members[id]].Add(-1)
	v.memberCount[s].Add(1)
	if s == statusUnknown {
		delete(v.members, id)
		return
	}
	v.members[id] = s
}

// forget: the process that had these views is gone, or a new one begins.
func (v *views) forget() {
	clear(v.members)
	for i := range v.memberCount {
		v.memberCount[i].Store(0)
	}
	for number, links := range v.links {
		clear(links)
		v.linkCount[number].Store(0)
	}
	for _, c := range v.contents {
		c.told.Store(false)
	}
}

func (v *views) membersByStatus() map[string]uint64 {
	m := map[string]uint64{}
	for s := statusAlive; s < statuses; s++ {
		m[statusNames[s]] = uint64(max(0, v.memberCount[s].Load()))
	}
	return m
}

func (v *views) linksByProtocol() map[string]uint64 {
	m := map[string]uint64{}
	for _, c := range v.linkCount {
		m[c.protocol] = uint64(max(0, c.Load()))
	}
	return m
}

// byContents are figures of what protocols keep, of those that have said it.
func (v *views) byContents(figure func(c *contents) uint64) map[string]uint64 {
	m := map[string]uint64{}
	for _, c := range v.contents {
		if c.told.Load() {
			m[c.protocol] = figure(c)
		}
	}
	return m
}

func keyCount(c *contents) uint64 { return c.keys.Load() }

func tombstoneCount(c *contents) uint64 { return c.tombstones.Load() }

// rootNumber is as much of a root as a metric, which is a floating-point number,
// holds exactly.
func rootNumber(c *contents) uint64 { return c.root.Load() >> 12 }

// errAlone is why a node is not part of a cluster.
var errAlone = errors.New("no other member is alive in this node's view and its overlay has no link")

// joined returns errAlone unless somebody else is there.
func (v *views) joined() error {
	if v.memberCount[statusAlive].Load() > 0 || v.memberCount[statusSuspect].Load() > 0 {
		return nil
	}
	for _, c := range v.linkCount {
		if c.Load() > 0 {
			return nil
		}
	}
	return errAlone
}
