package scenarios

import (
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/scenarios/document"
)

var (
	latencyKeys = map[string][]string{
		"constant":  {"model", "delay"},
		"uniform":   {"model", "min", "max"},
		"normal":    {"model", "mean", "std_dev", "min", "max"},
		"lognormal": {"model", "median", "p90", "min", "max"},
		"regions":   {"model", "data", "jitter"},
		"pairs":     {"model", "data", "jitter"},
	}
	latencyNeeds = map[string][]string{
		"constant": {"delay"}, "uniform": {"max"}, "normal": {"mean", "std_dev"}, "lognormal": {"median", "p90"},
		"regions": {"data"}, "pairs": {"data"},
	}
	lossKeys = map[string][]string{
		"none":            {"model"},
		"independent":     {"model", "probability"},
		"gilbert-elliott": {"model", "mean_good", "mean_bad", "loss_good", "loss_bad"},
	}
	lossNeeds = map[string][]string{
		"independent": {"probability"}, "gilbert-elliott": {"mean_good", "mean_bad", "loss_bad"},
	}
)

func (d *decoding) checkNetwork(s *Scenario) {
	before := len(d.Problems())
	d.checkLatency(s)
	d.checkLoss(s)
	d.checkSizes(s)
	d.checkLinks(s)
	d.checkRegions(s)
	if _, ok := s.total(); !ok || before != len(d.Problems()) || d.WrongBelow("network") {
		return // the rest would be consequences
	}
	model, err := s.smallNetwork()
	if err != nil {
		path, message := networkKey(err)
		d.Problemf(path, "%s", message)
		return
	}
	for i := range s.Fault {
		d.checkRule(s, model, &s.Fault[i], fmt.Sprintf("fault[%d]", i))
	}
}

// smallNetwork returns the network with few nodes: what netmodel finds wrong in
// it does not depend on their number.
func (s *Scenario) smallNetwork() (*netmodel.Model, error) {
	small := *s
	small.Nodes.Count, small.Nodes.Spare = 16, 0
	small.Region = slices.Clone(s.Region)
	for i := range small.Region {
		small.Region[i].Nodes = 0
	}
	return small.network()
}

// networkKey tells at which key of a scenario an error of netmodel.New belongs:
// it begins with the field of netmodel.Config.
func networkKey(err error) (path, message string) {
	text := strings.TrimPrefix(err.Error(), "new network: ")
	field, message, ok := strings.Cut(text, ": ")
	if !ok {
		return "network", text
	}
	switch {
	case field == "ReorderDelay":
		return "network.reorder.delay", message
	case strings.HasPrefix(field, "Latency.Matrix"):
		return "network.latency.data", message
	case strings.HasPrefix(field, "Latency.Min and"):
		return "network.latency", message
	}
	field = strings.ToLower(capital.ReplaceAllString(field, "${1}_$2"))
	if rest, ok := strings.CutPrefix(field, "regions"); ok {
		return "region" + rest, message
	}
	return "network." + field, message
}

// capital finds the inner beginnings of words in a Go name.
var capital = regexp.MustCompile(`([a-z])([A-Z])`)

func (d *decoding) checkLatency(s *Scenario) {
	const path = "network.latency"
	l, written := s.Network.Latency, document.Subtree(s.tree, "network.latency")
	keys, ok := latencyKeys[l.Model]
	if !ok {
		if l.Model == "" {
			d.Problem(path+".model", Problem{Message: "missing", Valid: strings.Split("constant,uniform,normal,lognormal,regions,pairs", ",")})
		}
		return
	}
	d.allowed(path, written, l.Model, keys...)
	if written != nil {
		d.needs(path, written, l.Model, latencyNeeds[l.Model]...)
	}
	if l.Max > 0 && l.Min > l.Max {
		d.Problemf(path+".min", "got %s, want at most max, %s", l.Min, l.Max)
	}
	if l.Model == "lognormal" && l.P90 < l.Median {
		d.Problemf(path+".p90", "got %s, want at least the median, %s", l.P90, l.Median)
	}
	for _, x := range []struct {
		key string
		d   quantity.Duration
	}{{"delay", l.Delay}, {"min", l.Min}, {"max", l.Max}, {"mean", l.Mean}, {"std_dev", l.StdDev}, {"median", l.Median}, {"p90", l.P90}} {
		if x.d.Std() > netmodel.MaxDelay {
			d.Problemf(path+"."+x.key, "got %s, want at most 1h", x.d)
		}
	}
	if l.Data != "" && len(latencySets(l.Model)) > 0 {
		d.checkData(s)
	}
}

// latencySets lists the data sets that are built in for a latency model.
func latencySets(model string) []string {
	switch model {
	case "regions":
		return []string{"aws-2019", "libp2p-8"}
	case "pairs":
		return []string{"planetlab-490"}
	}
	return nil
}

func (d *decoding) checkData(s *Scenario) {
	const path = "network.latency.data"
	name, sets := s.Network.Latency.Data, latencySets(s.Network.Latency.Model)
	if slices.Contains(sets, name) {
		return
	}
	text, err := s.beside(name)
	if err != nil {
		d.Problem(path, Problem{
			Message: fmt.Sprintf("got %q, which is neither a data set for this model nor a file beside the scenario", name),
			Nearest: document.Nearest(name, sets), Valid: sets,
		})
	} else if _, err := netmodel.ParseMatrix(text); err != nil {
		d.Problemf(path, "%s: %v", name, err)
	}
}

func (d *decoding) checkLoss(s *Scenario) {
	l, written := s.Network.Loss, document.Subtree(s.tree, "network.loss")
	if keys, ok := lossKeys[l.Model]; ok {
		d.allowed("network.loss", written, l.Model, keys...)
		d.needs("network.loss", written, l.Model, lossNeeds[l.Model]...)
	}
}

func (d *decoding) checkSizes(s *Scenario) {
	const most = quantity.Size(netmodel.MaxMTU)
	if n := s.Network.MTU; n < 1 || n > most {
		d.Problemf("network.mtu", "got %s, want 1B to %s", n, most)
	}
	if n := s.Network.Header; n > most {
		d.Problemf("network.header", "got %s, want at most %s", n, most)
	}
	if n := s.Network.StreamTimeout; n <= 0 || n.Std() > maxDuration {
		d.Problemf("network.stream_timeout", "got %s, want more than 0s and at most a century", n)
	}
	if n := s.Network.StreamIdle; n != 0 && n < quantity.Duration(time.Second) || n.Std() > maxDuration {
		d.Problemf("network.stream_idle", "got %s, want 0s (for ever), or 1s to a century", n)
	}
	if r := s.Network.Reorder; !r.Probability.IsZero() && r.Delay <= 0 {
		d.Problemf("network.reorder.delay", "missing: probability needs it")
	}
}

// checkLinks checks the classes of up- and downlinks.
func (d *decoding) checkLinks(s *Scenario) {
	var sum uint64
	for i, b := range s.Network.Bandwidth {
		path := fmt.Sprintf("network.bandwidth[%d]", i)
		d.checkRate(s, path, "up", "up_queue", b.Up, b.UpQueue)
		d.checkRate(s, path, "down", "down_queue", b.Down, b.DownQueue)
		if b.Up == 0 && b.Down == 0 && !d.WrongBelow(path) {
			d.Problem(path, Problem{Message: "limits nothing", Valid: []string{"up", "down"}})
		}
		var carry uint64
		if sum, carry = bits.Add64(sum, b.Share.Threshold(), 0); carry > 0 && sum > uint64(i) {
			d.Problemf(path+".share", "got %s, which is more than the classes before leave", b.Share)
			return
		} else if carry > 0 {
			sum = ^uint64(0)
		}
	}
}

// checkRate checks the rate of a link and its queue, which stand at two keys of
// the table at a path.
func (d *decoding) checkRate(s *Scenario, path, key, queueKey string, rate quantity.Bandwidth, queue quantity.Size) {
	const least, most = quantity.Bandwidth(netmodel.MinBandwidth), quantity.Bandwidth(netmodel.MaxBandwidth)
	if rate != 0 && (rate < least || rate > most) {
		d.Problemf(path+"."+key, "got %s, want %s to %s", rate, least, most)
	}
	room := s.Network.MTU + s.Network.Header
	switch {
	case queue != 0 && rate == 0:
		d.Problemf(path+"."+queueKey, "got %s without %s", queue, key)
	case queue != 0 && (queue < room || queue > netmodel.MaxQueue):
		d.Problemf(path+"."+queueKey, "got %s, want room for one datagram with its header (%s) to %s", queue, room, quantity.Size(netmodel.MaxQueue))
	case queue == 0 && rate != 0 && room > netmodel.DefaultQueue:
		d.Problemf(path+"."+queueKey, "missing: the usual %s do not hold one datagram with its header (%s)", quantity.Size(netmodel.DefaultQueue), room)
	}
}

func (d *decoding) checkRegions(s *Scenario) {
	rows := s.matrixRows()
	sum, weighted, taken := int64(0), -1, map[string]bool{}
	for i, r := range s.Region {
		path := fmt.Sprintf("region[%d]", i)
		switch {
		case taken[r.Name]:
			d.Problemf(path+".name", "got %q, which another region has", r.Name)
		case rows != nil && r.Name != "" && !slices.Contains(rows, r.Name):
			d.Problem(path+".name", Problem{Message: fmt.Sprintf("got %q, which is no region of the latencies", r.Name), Nearest: document.Nearest(r.Name, rows), Valid: rows})
		case r.Name == "" && !d.Wrong(path+".name"):
			d.Problemf(path+".name", "got no name")
		}
		taken[r.Name] = true
		sum += int64(r.Nodes)
		if r.Weight > 0 {
			weighted = i
		}
	}
	total, ok := s.total()
	switch {
	case sum > 0 && weighted >= 0:
		d.Problemf(fmt.Sprintf("region[%d].weight", weighted), "got a weight here and a number of nodes in another region, want one of them in all")
	case sum > 0 && ok && sum != int64(total):
		d.Problemf("region[0].nodes", "got %d nodes in all regions together, want all %d", sum, total)
	}
}

// matrixRows lists the regions that the latencies are for, nil if they are for
// any or cannot be read.
func (s *Scenario) matrixRows() []string {
	if s.Network.Latency.Model != "regions" {
		return nil
	}
	latency, err := s.latency()
	if m, ok := latency.(netmodel.RegionMatrix); ok && err == nil && m.Matrix != nil {
		return m.Matrix.Names
	}
	return nil
}

// checkRule tries a network fault.
func (d *decoding) checkRule(s *Scenario, model *netmodel.Model, f *Fault, path string) {
	if !slices.Contains(faultKeys[f.Kind], "direction") {
		return
	}
	if f.Kind == "bandwidth" {
		if d.checkRate(s, path, "rate", "queue", f.Rate, f.Queue); d.WrongBelow(path) {
			return
		}
	}
	id, err := model.Apply(f.rule())
	if err == nil {
		err = model.Remove(id)
	}
	if err == nil {
		return
	}
	field, message, _ := strings.Cut(strings.TrimPrefix(err.Error(), "apply network rule: "), ": ")
	key := map[string]string{
		"Delay": "delay", "Jitter": "jitter", "ReorderDelay": "delay", "Bandwidth": "rate",
		"Bursts.MeanGood": "mean_good", "Bursts.MeanBad": "mean_bad",
	}[field]
	d.Problemf(document.Join(path, key), "%s", message)
}
