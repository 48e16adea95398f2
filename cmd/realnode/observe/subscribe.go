package observe

import (
	"context"
)

// subscriber is somebody who watches. Its fields are guarded by the Observer's
// mutex.
type subscriber struct {
	events chan Event
	missed uint64
	cancel func() bool // forgets the context
}

// Subscribe returns the node's events from now on, until the context ends or the
// Observer is closed; then the channel is closed. A reader that is slower than
// the events misses some: it gets an event NameMissed in their place, when there
// is room again. The channel must not be read by somebody else as well.
func (o *Observer) Subscribe(ctx context.Context) <-chan Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := &subscriber{events: make(chan Event, o.subscriberQueue)}
	if o.subscribers == nil || ctx.Err() != nil {
		close(s.events)
		return s.events
	}
	o.subscribers[s] = struct{}{}
	s.cancel = context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if _, there := o.subscribers[s]; there {
			delete(o.subscribers, s)
			close(s.events)
		}
	})
	return s.events
}

// Subscribers returns how many subscriptions there are.
func (o *Observer) Subscribers() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.subscribers)
}

// publish gives an event to all subscribers.
func (o *Observer) publish(e Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	missed := o.missed.Load()
	lost := missed - o.toldMissed
	o.toldMissed = missed
	for s := range o.subscribers {
		s.missed += lost
		if !s.offer(e) {
			s.missed++
			o.slow.Add(1)
		}
	}
}

// offer passes an event on if there is room, and before it how many were missed.
func (s *subscriber) offer(e Event) bool {
	if s.missed > 0 {
		gap := Event{Time: e.Time, Node: e.Node, Name: NameMissed, Args: []Arg{{Name: "count", Value: s.missed}}}
		select {
		case s.events <- gap:
			s.missed = 0
		default:
			return false
		}
	}
	select {
	case s.events <- e:
		return true
	default:
		return false
	}
}

func (o *Observer) endSubscriptions() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for s := range o.subscribers {
		s.cancel()
		close(s.events)
	}
	o.subscribers = nil
}
