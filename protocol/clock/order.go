package clock

// Order is how two states of knowledge relate.
type Order uint8

// A Before B: B knows all that A knows, and more.
const (
	Equal Order = iota
	Before
	After
	Concurrent
)

// String returns the order's name in lower case.
func (o Order) String() string {
	switch o {
	case Equal:
		return "equal"
	case Before:
		return "before"
	case After:
		return "after"
	default:
		return "concurrent"
	}
}

// orderOf makes an Order of the two halves of a partial order.
func orderOf(less, greater bool) Order {
	switch {
	case less && greater:
		return Equal
	case less:
		return Before
	case greater:
		return After
	default:
		return Concurrent
	}
}
