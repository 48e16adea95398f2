package sim

// upCount counts the nodes in state Up by blocks of consecutive ones, so that
// the k-th of a million is found without looking at all.
type upCount struct {
	blocks []uint32
	all    int
}

const upBlock = 1 << 10

func newUpCount(nodes int) upCount {
	return upCount{blocks: make([]uint32, (nodes+upBlock-1)/upBlock)}
}

// setState changes node i's state.
func (w *World) setState(i uint32, s State) {
	n := &w.nodes[i]
	if n.state == Up {
		w.ups.blocks[i/upBlock]--
		w.ups.all--
	}
	if s == Up {
		w.ups.blocks[i/upBlock]++
		w.ups.all++
	}
	n.state = s
}

// CountUp is the number of nodes in state Up.
func (c *Control) CountUp() int { return c.w.ups.all }

// NthUp returns the k-th node, from 0, of those in state Up, in the order of
// their indices; -1 if there are no more than k.
func (c *Control) NthUp(k int) int {
	if k < 0 || k >= c.w.ups.all {
		return -1
	}
	block := 0
	for ; k >= int(c.w.ups.blocks[block]); block++ {
		k -= int(c.w.ups.blocks[block])
	}
	i := block * upBlock
	for ; ; i++ {
		if c.w.nodes[i].state != Up {
			continue
		}
		if k == 0 {
			return i
		}
		k--
	}
}
