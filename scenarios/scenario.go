package scenarios

import (
	"github.com/starling-sim/starling/protocol/quantity"
)

// Scenario is a whole scenario file. The doc tags are the descriptions of the
// keys in the JSON Schema.
type Scenario struct {
	Content
	// Sweep lists what is varied.
	Sweep Sweep

	env  Environment
	tree map[string]any // as written, with overrides, without defaults
	file string
	// wrong is why this point of a sweep cannot be run, nil if it can.
	wrong error
}

// Content is everything in a scenario file but the sweep.
type Content struct {
	Name     string            `toml:"name" doc:"name of the scenario; names result directories" required:"true"`
	Question string            `toml:"question" doc:"the question that the scenario answers"`
	Notes    string            `toml:"notes,omitempty" doc:"what to know when reading the result; paragraphs are set apart by empty lines"`
	Seed     uint64            `toml:"seed" doc:"seed of all chance"`
	Duration quantity.Duration `toml:"duration" doc:"virtual time that the run takes" required:"true"`
	Stack    []string          `toml:"stack" doc:"protocols of every node, bottom first" required:"true"`
	Wire     string            `toml:"wire" doc:"values: messages travel as values and are charged their exact size; encode: every message goes through its bytes and back" enum:"values,encode"`
	Store    string            `toml:"store" doc:"what disks are in a virtual world, which nodes cannot tell. memory: trees; pebble: Pebble, as in real nodes, on files in memory that forget at a crash what was not synced; what it writes is counted" enum:"memory,pebble"`
	In       string            `toml:"world" doc:"virtual: nodes are simulated, and the run can be repeated bit for bit; real: each is a process on this machine, in real time" enum:"virtual,real"`

	Nodes    Nodes                     `toml:"nodes" doc:"the nodes and how they enter"`
	Protocol map[string]map[string]any `toml:"protocol" doc:"configuration by protocol"`
	Network  Network                   `toml:"network" doc:"how the network behaves"`
	Region   []Region                  `toml:"region,omitempty" doc:"a region of nodes"`

	Fault    []Fault    `toml:"fault,omitempty" doc:"something that happens in the course of the run"`
	Churn    *Churn     `toml:"churn,omitempty" doc:"nodes that come and go all the time"`
	Workload []Workload `toml:"workload,omitempty" doc:"what applications tell the protocols to do"`

	Measure Measure   `toml:"measure" doc:"what to measure and how often"`
	Plot    []Plot    `toml:"plot,omitempty" doc:"a figure"`
	Table   []Table   `toml:"table,omitempty" doc:"a table of measured beside published values"`
	Expect  []Expect  `toml:"expect,omitempty" doc:"what must hold for the run to pass"`
	Variant []Variant `toml:"variant,omitempty" doc:"a named set of overrides, varied like a swept key"`
}

// Worlds that a scenario may run in.
const (
	WorldVirtual = "virtual"
	WorldReal    = "real"
)

// Real reports whether the nodes are processes. The scenario's World then only
// tells who they are.
func (s *Scenario) Real() bool { return s.In == WorldReal }

// Nodes says how many nodes there are and how they enter.
type Nodes struct {
	Count int   `toml:"count" doc:"number of nodes that enter at the beginning" required:"true" min:"1" max:"1073741824"`
	Spare int   `toml:"spare" doc:"further nodes, for faults of kind join" min:"0" max:"1073741824"`
	Join  Join  `toml:"join" doc:"how nodes enter"`
	Clock Clock `toml:"clock" doc:"errors of the nodes' clocks"`
}

// Join says how nodes enter.
type Join struct {
	Mode  string            `toml:"mode" doc:"converged: everybody knows everybody from the start; staggered: one after the other; burst: all at once" enum:"converged,staggered,burst"`
	Over  quantity.Duration `toml:"over" doc:"time over which staggered nodes join"`
	Seeds int               `toml:"seeds" doc:"number of nodes that newcomers are told to start from" min:"1" max:"1000"`
	// Contacts are the seeds of whom there is a choice.
	Contacts string `toml:"contacts" doc:"which nodes those are. first: the first that run, the same for all; random: any that run, others for each. Without meaning for converged" enum:"first,random"`
}

// Clock says how wrong the nodes' clocks are.
type Clock struct {
	Skew     quantity.Duration `toml:"skew" doc:"clocks are off by up to this, either way"`
	DriftPPM int               `toml:"drift_ppm" doc:"clocks run fast or slow by up to this many parts in a million" min:"0" max:"100000"`
}

// Region is a region of nodes.
type Region struct {
	Name   string `toml:"name" doc:"name; a row of the latency matrix where there is one" required:"true"`
	Nodes  int    `toml:"nodes,omitempty" doc:"number of nodes there" min:"0" max:"1073741824"`
	Weight uint64 `toml:"weight,omitempty" doc:"its part of all nodes, where no region says how many it has" min:"0" max:"4294967296"`
}

// Network says how the network behaves all the time.
type Network struct {
	Latency   Latency        `toml:"latency" doc:"one-way delays"`
	Loss      Loss           `toml:"loss" doc:"loss of datagrams"`
	Duplicate quantity.Share `toml:"duplicate" doc:"probability that a datagram is delivered twice"`
	Reorder   Reorder        `toml:"reorder" doc:"datagrams that are held back"`
	Corrupt   quantity.Share `toml:"corrupt" doc:"probability that a datagram is damaged"`
	Bandwidth []Bandwidth    `toml:"bandwidth,omitempty" doc:"limits of the links of a share of the nodes"`
	Placement string         `toml:"placement" doc:"blocks: regions hold consecutive nodes; shuffled: nodes are spread by the seed" enum:"blocks,shuffled"`
	MTU       quantity.Size  `toml:"mtu" doc:"largest payload of a datagram"`
	Header    quantity.Size  `toml:"header" doc:"what every datagram costs beyond its payload"`

	StreamTimeout quantity.Duration `toml:"stream_timeout" doc:"how long a stream goes on trying without progress before it breaks"`
	StreamIdle    quantity.Duration `toml:"stream_idle" doc:"how long a stream stays open unused; 0s: for ever, so that every open stream shows its peer's end"`
}

// Latency is a model of one-way delays with its parameters.
type Latency struct {
	Model  string            `toml:"model" doc:"model of one-way delays" enum:"constant,uniform,normal,lognormal,regions,pairs"`
	Delay  quantity.Duration `toml:"delay,omitempty" doc:"constant: the delay"`
	Min    quantity.Duration `toml:"min,omitempty" doc:"uniform, normal, lognormal: the smallest delay"`
	Max    quantity.Duration `toml:"max,omitempty" doc:"uniform, normal, lognormal: the largest delay"`
	Mean   quantity.Duration `toml:"mean,omitempty" doc:"normal: the mean before truncation"`
	StdDev quantity.Duration `toml:"std_dev,omitempty" doc:"normal: the standard deviation before truncation"`
	Median quantity.Duration `toml:"median,omitempty" doc:"lognormal: half of the delays are below"`
	P90    quantity.Duration `toml:"p90,omitempty" doc:"lognormal: nine tenths of the delays are below"`
	Data   string            `toml:"data,omitempty" doc:"regions: aws-2019, libp2p-8 or a CSV file beside the scenario; pairs: planetlab-490 or a CSV file"`
	Jitter quantity.Share    `toml:"jitter,omitzero" doc:"regions, pairs: part of the delay that comes on top at most, uniform"`
}

// Loss is a model of loss with its parameters.
type Loss struct {
	Model       string            `toml:"model" doc:"model of loss" enum:"none,independent,gilbert-elliott"`
	Probability quantity.Share    `toml:"probability,omitzero" doc:"independent: probability that a datagram is lost"`
	MeanGood    quantity.Duration `toml:"mean_good,omitempty" doc:"gilbert-elliott: mean time a link stays good"`
	MeanBad     quantity.Duration `toml:"mean_bad,omitempty" doc:"gilbert-elliott: mean time a link stays bad"`
	LossGood    quantity.Share    `toml:"loss_good,omitzero" doc:"gilbert-elliott: probability of loss while good"`
	LossBad     quantity.Share    `toml:"loss_bad,omitzero" doc:"gilbert-elliott: probability of loss while bad"`
}

// Reorder holds back a part of the datagrams.
type Reorder struct {
	Probability quantity.Share    `toml:"probability" doc:"probability that a datagram is held back"`
	Delay       quantity.Duration `toml:"delay" doc:"by up to this, uniform"`
}

// Bandwidth limits the links of a share of the nodes.
type Bandwidth struct {
	Name      string             `toml:"name,omitempty" doc:"for people"`
	Share     quantity.Share     `toml:"share" doc:"share of all nodes, chosen by the seed" required:"true"`
	Up        quantity.Bandwidth `toml:"up,omitempty" doc:"rate of the uplink; without: no limit"`
	Down      quantity.Bandwidth `toml:"down,omitempty" doc:"rate of the downlink; without: no limit"`
	UpQueue   quantity.Size      `toml:"up_queue,omitempty" doc:"size of the uplink's queue"`
	DownQueue quantity.Size      `toml:"down_queue,omitempty" doc:"size of the downlink's queue"`
}

// Fault is something that happens at a time.
type Fault struct {
	At   quantity.Duration `toml:"at" doc:"virtual time at which it happens" required:"true"`
	Kind string            `toml:"kind" doc:"what happens" required:"true" enum:"crash,restart,leave,join,pause,anomaly,partition,loss,bursts,delay,duplicate,reorder,corrupt,bandwidth,clock,disk"`

	Count  int            `toml:"count,omitempty" doc:"number of nodes it happens to, chosen at random" min:"0" max:"1073741824"`
	Share  quantity.Share `toml:"share,omitzero" doc:"share of the nodes it happens to, chosen at random"`
	Nodes  []int          `toml:"nodes,omitempty" doc:"indices of the nodes it happens to"`
	Region []string       `toml:"region,omitempty" doc:"regions whose nodes it happens to"`

	For   quantity.Duration `toml:"for,omitempty" doc:"how long it lasts; without: to the end of the run. anomaly: how long each stop lasts (D)"`
	Every quantity.Duration `toml:"every,omitempty" doc:"it happens again at this interval"`
	Times int               `toml:"times,omitempty" doc:"with every: how often it happens" min:"1" max:"1000000"`
	// Run and Until belong to anomalies.
	Run   quantity.Duration `toml:"run,omitempty" doc:"anomaly: how long the nodes run between two stops (I)"`
	Until quantity.Duration `toml:"until,omitempty" doc:"anomaly: virtual time after which no stop begins"`

	Mode    string            `toml:"mode,omitempty" doc:"crash: host falls silent, process has its host break its streams" enum:"host,process"`
	Model   string            `toml:"model,omitempty" doc:"pause, anomaly: frozen (no timers, inbox fills), blocked-io (timers run, messages wait), slow (each event costs service_time)" enum:"frozen,blocked-io,slow"`
	Service quantity.Duration `toml:"service_time,omitempty" doc:"pause, anomaly of model slow: what each event costs"`

	Direction string   `toml:"direction,omitempty" doc:"network faults: both, egress (what the nodes send) or ingress (what they are sent)" enum:"both,egress,ingress"`
	To        []string `toml:"to,omitempty" doc:"network faults: regions at the other end of the links; without: all other nodes"`

	Probability quantity.Share     `toml:"probability,omitzero" doc:"loss, duplicate, reorder, corrupt: probability; bursts: probability of loss while a link is bad; disk: probability that an operation fails"`
	MeanGood    quantity.Duration  `toml:"mean_good,omitempty" doc:"bursts: mean time a link stays good"`
	MeanBad     quantity.Duration  `toml:"mean_bad,omitempty" doc:"bursts: mean time a link stays bad"`
	Delay       quantity.Duration  `toml:"delay,omitempty" doc:"delay: what is added; reorder: held back by up to this; disk: what each write costs"`
	Jitter      quantity.Duration  `toml:"jitter,omitempty" doc:"delay: a time uniform below this comes on top"`
	Rate        quantity.Bandwidth `toml:"rate,omitempty" doc:"bandwidth: what each sender may send over the links"`
	Queue       quantity.Size      `toml:"queue,omitempty" doc:"bandwidth: how much waits at most"`
	Step        quantity.Duration  `toml:"step,omitempty" doc:"clock: how far the clocks are put forward"`
	Back        bool               `toml:"back,omitempty" doc:"clock: put them back instead"`
	DriftPPM    int                `toml:"drift_ppm,omitempty" doc:"clock: parts in a million by which they run fast from now on, negative for slow" min:"-100000" max:"100000"`
	Full        bool               `toml:"full,omitempty" doc:"disk: nothing can be written"`
}

// Churn makes nodes come and go all the time: either each has sessions, or a
// share of all is replaced at a rate, or a trace file says who.
type Churn struct {
	Session   *Distribution     `toml:"session,omitempty" doc:"lengths of sessions; each node departs at the end of its own"`
	Share     quantity.Share    `toml:"share,omitzero" doc:"share of the nodes that departs in each period, at random times"`
	Period    quantity.Duration `toml:"period,omitempty" doc:"the period of share"`
	Trace     string            `toml:"trace,omitempty" doc:"CSV file beside the scenario: time_s,node,event with event join, leave or crash"`
	Downtime  Distribution      `toml:"downtime" doc:"time until a node that departed returns"`
	Departure string            `toml:"departure" doc:"how nodes depart" enum:"crash,leave,mixed"`
	From      quantity.Duration `toml:"from" doc:"virtual time at which churn begins"`
	Until     quantity.Duration `toml:"until,omitempty" doc:"virtual time at which the last node departs; without: the end"`
}

// Distribution is a distribution of durations.
type Distribution struct {
	Model string            `toml:"model" doc:"constant, exponential (mean), weibull (scale, shape), pareto (scale is the least, shape above 1)" enum:"constant,exponential,weibull,pareto"`
	Mean  quantity.Duration `toml:"mean,omitempty" doc:"constant, exponential: the mean"`
	Scale quantity.Duration `toml:"scale,omitempty" doc:"weibull, pareto: the scale"`
	// Shape is a share so that it is exact: "60%" is 0.6.
	Shape float64 `toml:"shape,omitempty" doc:"weibull, pareto: the shape, to three digits"`
}

// Workload tells protocols to do something at a rate. Each command goes to one
// of the senders that are up at that moment, at random; while none is, there is
// none. A sender that is frozen when its turn comes does nothing.
type Workload struct {
	Command string            `toml:"command" doc:"command of a protocol, for instance swim.set_metadata" required:"true"`
	Rate    quantity.Rate     `toml:"rate" doc:"how often, over all senders together" required:"true"`
	Arrival string            `toml:"arrival" doc:"poisson: at random; regular: at equal distances" enum:"poisson,regular"`
	Count   int               `toml:"count,omitempty" doc:"number of commands after which it ends, those that a protocol refused included; without: no limit" min:"1" max:"1073741824"`
	Size    quantity.Size     `toml:"size,omitempty" doc:"size of the value, which is random"`
	Sizes   *Sizes            `toml:"sizes,omitempty" doc:"distribution of the size of the value, in the place of size"`
	Senders int               `toml:"senders,omitempty" doc:"number of nodes that take part, chosen at random, from the regions if there are any; without: all" min:"0" max:"1073741824"`
	Nodes   []int             `toml:"nodes,omitempty" doc:"indices of the nodes that take part"`
	Region  []string          `toml:"region,omitempty" doc:"regions whose nodes take part"`
	From    quantity.Duration `toml:"from" doc:"virtual time of the beginning"`
	Until   quantity.Duration `toml:"until,omitempty" doc:"virtual time of the end; without: the end of the run"`

	Keys *Keys `toml:"keys,omitempty" doc:"which keys the commands are about; workloads with the same prefix and count share their keys"`
	// Read, ReadAfter and ReadAt ask whether a write can be seen.
	Read      string            `toml:"read,omitempty" doc:"command that reads the key of each command that was carried out"`
	ReadAfter quantity.Duration `toml:"read_after,omitempty" doc:"how much later it does; needed with read"`
	ReadAt    string            `toml:"read_at,omitempty" doc:"who reads. other: one of the other senders, at random; same: the one that wrote" enum:"other,same"`
}

// Keys is a distribution of keys. Keys are numbered from 0; which numbers the
// frequent ones have depends on the seed and on the number of keys alone, and no
// two of the most frequent quarter are neighbours.
type Keys struct {
	Count    int            `toml:"count" doc:"number of keys" required:"true" min:"1" max:"10000000"`
	Model    string         `toml:"model" doc:"uniform: all alike; zipf (exponent): the k-th most frequent as often as k to the power of minus the exponent; hotspot (hot, share): a few get most" enum:"uniform,zipf,hotspot"`
	Exponent *float64       `toml:"exponent,omitempty" doc:"zipf: the exponent, 0 (uniform) to 10, to three digits; without: 0.99"`
	Hot      quantity.Share `toml:"hot,omitzero" doc:"hotspot: share of the keys that are hot, at least one key"`
	Share    quantity.Share `toml:"share,omitzero" doc:"hotspot: share of the commands that are about hot keys"`
	Prefix   string         `toml:"prefix" doc:"what keys begin with; the key's number follows, in 8 digits"`
}

// Sizes is a distribution of sizes, at most 1 MiB.
type Sizes struct {
	Model   string          `toml:"model" doc:"constant (size), uniform (min, max), lognormal (median, p90), choice (of, weights)" enum:"constant,uniform,lognormal,choice"`
	Size    quantity.Size   `toml:"size,omitempty" doc:"constant: the size"`
	Min     quantity.Size   `toml:"min,omitempty" doc:"uniform, lognormal: the smallest size; smaller ones count as this"`
	Max     quantity.Size   `toml:"max,omitempty" doc:"uniform, lognormal: the largest size; larger ones count as this"`
	Median  quantity.Size   `toml:"median,omitempty" doc:"lognormal: half of the sizes are below"`
	P90     quantity.Size   `toml:"p90,omitempty" doc:"lognormal: nine tenths of the sizes are below"`
	Of      []quantity.Size `toml:"of,omitempty" doc:"choice: the sizes"`
	Weights []uint64        `toml:"weights,omitempty" doc:"choice: how often each size comes, relative to the others; without: all alike"`
}

// Measure says what to measure and how often.
type Measure struct {
	SampleInterval quantity.Duration `toml:"sample_interval" doc:"distance of the points of time series"`
	WarmUp         quantity.Duration `toml:"warm_up" doc:"time at the beginning that is not measured"`
	// BroadcastWindow bounds the memory that measures of broadcasts take.
	BroadcastWindow quantity.Duration `toml:"broadcast_window" doc:"time after its broadcast in which a message is measured"`
}

// Plot describes a figure.
type Plot struct {
	Name      string          `toml:"name" doc:"file name without extension" required:"true"`
	Title     string          `toml:"title,omitempty" doc:"stands above the figure"`
	Kind      string          `toml:"kind" doc:"series over time, sweep over a swept key, distribution of samples, overlay: the links at the end, tree: who got a message from whom" required:"true" enum:"series,sweep,distribution,overlay,tree"`
	Metrics   []string        `toml:"metrics,omitempty" doc:"what is drawn; simrun metrics lists them. overlay, tree: none"`
	X         string          `toml:"x,omitempty" doc:"sweep: the swept key on the x axis"`
	By        string          `toml:"by,omitempty" doc:"swept key that gets a curve for each value"`
	Where     map[string]any  `toml:"where,omitempty" doc:"only the runs whose swept keys have these values"`
	LogX      bool            `toml:"log_x,omitempty" doc:"logarithmic x axis"`
	LogY      bool            `toml:"log_y,omitempty" doc:"logarithmic y axis"`
	XLabel    string          `toml:"x_label,omitempty" doc:"name of the x axis"`
	YLabel    string          `toml:"y_label,omitempty" doc:"name of the y axis"`
	YMin      *float64        `toml:"y_min,omitempty" doc:"lower end of the y axis"`
	YMax      *float64        `toml:"y_max,omitempty" doc:"upper end of the y axis"`
	Reference []PlotReference `toml:"reference,omitempty" doc:"what theory or a publication says, to compare with"`
}

// PlotReference is a line or points to compare with.
type PlotReference struct {
	Label  string       `toml:"label" doc:"name in the legend" required:"true"`
	Y      *float64     `toml:"y,omitempty" doc:"a horizontal line"`
	Points [][2]float64 `toml:"points,omitempty" doc:"points [x, y]"`
}

// Table describes a table of measured values beside published ones.
type Table struct {
	Name    string         `toml:"name" doc:"file name without extension" required:"true"`
	Title   string         `toml:"title,omitempty" doc:"stands above the table"`
	Rows    string         `toml:"rows" doc:"swept key, or variant, that gets a row for each value; empty: one row, of all runs"`
	Where   map[string]any `toml:"where,omitempty" doc:"only the runs whose swept keys have these values"`
	Columns []TableColumn  `toml:"columns" doc:"the columns" required:"true"`
}

// TableColumn is a metric and what is published of it.
type TableColumn struct {
	Metric     string             `toml:"metric" doc:"what the column shows" required:"true"`
	Label      string             `toml:"label,omitempty" doc:"its name"`
	RelativeTo string             `toml:"relative_to,omitempty" doc:"row that counts as 100 %"`
	Published  map[string]float64 `toml:"published,omitempty" doc:"published values by row, in per cent if relative; without rows, of the row all"`
}

// Expect is something that must hold.
type Expect struct {
	Metric     string         `toml:"metric" doc:"what it is about; simrun metrics lists them" required:"true"`
	Min        *float64       `toml:"min,omitempty" doc:"it must be at least this"`
	Max        *float64       `toml:"max,omitempty" doc:"it must be at most this"`
	Equal      *float64       `toml:"equal,omitempty" doc:"it must be this"`
	Statistic  string         `toml:"statistic" doc:"every: in each run; mean: over the seeds of each point" enum:"every,mean"`
	RelativeTo string         `toml:"relative_to,omitempty" doc:"variant that counts as 100 %: the bounds are then per cent of its mean over all runs"`
	Where      map[string]any `toml:"where,omitempty" doc:"only where swept keys have these values"`
}

// Variant is a named set of overrides.
type Variant struct {
	Name string         `toml:"name" doc:"name in tables and legends" required:"true"`
	Set  map[string]any `toml:"set" doc:"values by key, as in a sweep"`
}

// Sweep says what is varied: every value of every axis with every other and
// every variant, each with a number of seeds.
type Sweep struct {
	Axes []Axis
	// Seeds is the number of runs of each point: seed, seed+1, ...
	Seeds int
}

// Axis is a key and the values it takes.
type Axis struct {
	Key    string
	Values []any
}
