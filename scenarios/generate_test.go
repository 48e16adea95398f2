package scenarios_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// generate writes a small valid scenario with some of everything.
func generate(t *rapid.T) string {
	g := generator{t}
	var b strings.Builder
	nodes := rapid.IntRange(2, 24).Draw(t, "nodes")
	spare := rapid.IntRange(0, 3).Draw(t, "spare")
	seconds := rapid.IntRange(3, 15).Draw(t, "seconds")
	fmt.Fprintf(&b, "name = \"generated\"\nseed = %d\nduration = \"%ds\"\n", rapid.IntRange(0, 1000).Draw(t, "seed"), seconds)
	fmt.Fprintf(&b, "stack = [%q]\n", g.pick("stack", "swim", "beacon"))
	fmt.Fprintf(&b, "nodes = { count = %d, spare = %d, join = { mode = %q, over = \"1s\" }, clock = { skew = \"20ms\", drift_ppm = %d } }\n",
		nodes, spare, g.pick("join", "converged", "staggered", "burst"), rapid.IntRange(0, 500).Draw(t, "drift"))
	fmt.Fprintf(&b, "network = { latency = %s, loss = %s, duplicate = %q, corrupt = %q }\n",
		g.pick("latency", `{ model = "uniform", min = "1ms", max = "50ms" }`, `{ model = "constant", delay = "5ms" }`,
			`{ model = "normal", mean = "20ms", std_dev = "5ms", min = "1ms" }`, `{ model = "lognormal", median = "20ms", p90 = "80ms", min = "1ms" }`,
			`{ model = "regions", data = "aws-2019", jitter = "5%" }`, `{ model = "pairs", data = "planetlab-490" }`),
		g.pick("loss", `{ model = "none" }`, `{ model = "independent", probability = "3%" }`,
			`{ model = "gilbert-elliott", mean_good = "2s", mean_bad = "100ms", loss_good = "0%", loss_bad = "50%" }`),
		g.pick("duplicate", "0%", "5%"), g.pick("corrupt", "0%", "2%"))
	if g.pick("churn", "no", "yes") == "yes" {
		fmt.Fprintf(&b, "churn = { %s, departure = %q, downtime = { model = %q, mean = \"1s\" } }\n",
			g.pick("sessions", `share = "50%", period = "5s"`, `session = { model = "weibull", scale = "5s", shape = 0.6 }`,
				`session = { model = "pareto", scale = "2s", shape = 1.5 }`, `session = { model = "exponential", mean = "4s" }`),
			g.pick("departure", "crash", "leave", "mixed"), g.pick("downtime", "constant", "exponential"))
	}
	if strings.Contains(b.String(), `["beacon"]`) {
		for range rapid.IntRange(0, 2).Draw(t, "workloads") {
			fmt.Fprintf(&b, "\n[[workload]]\ncommand = \"beacon.write\"\nrate = \"5/s\"\nkeys = %s\n%s\n",
				g.pick("keys", `{ count = 9 }`, `{ count = 99, model = "zipf" }`, `{ count = 99, model = "zipf", exponent = 0.0, prefix = "z" }`,
					`{ count = 9, model = "hotspot", hot = "30%", share = "70%" }`),
				g.pick("read", "", "read = \"beacon.read\"\nread_after = \"900ms\"", "read = \"beacon.read\"\nread_after = \"0s\"\nread_at = \"same\""))
		}
	}
	for range rapid.IntRange(0, 5).Draw(t, "faults") {
		b.WriteString(g.fault(nodes, spare, seconds))
	}
	return b.String()
}

type generator struct{ t *rapid.T }

func (g generator) pick(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(g.t, label)
}

func (g generator) fault(nodes, spare, seconds int) string {
	kind := g.pick("kind", "crash", "restart", "leave", "join", "pause", "anomaly", "partition", "loss", "delay", "duplicate", "reorder", "corrupt", "bandwidth", "clock", "disk")
	parameters := map[string]string{
		"crash":     "mode = \"" + g.pick("mode", "host", "process") + `"`,
		"pause":     "for = \"700ms\"\nmodel = \"slow\"\nservice_time = \"20ms\"",
		"anomaly":   "for = \"700ms\"\nrun = \"100ms\"\nmodel = \"" + g.pick("model", "frozen", "blocked-io") + `"`,
		"partition": "for = \"2s\"\ndirection = \"" + g.pick("direction", "both", "egress", "ingress") + `"`,
		"loss":      "for = \"2s\"\nprobability = \"80%\"\ndirection = \"egress\"",
		"delay":     "delay = \"100ms\"\njitter = \"10ms\"",
		"duplicate": `probability = "20%"`,
		"reorder":   "probability = \"20%\"\ndelay = \"200ms\"",
		"corrupt":   `probability = "20%"`,
		"bandwidth": `rate = "64kbit/s"`,
		"clock":     "step = \"2s\"\nback = true\ndrift_ppm = -300",
		"disk":      "probability = \"50%\"\nfor = \"1s\"",
	}
	target := g.pick("target", "count = 1", `share = "60%"`, "nodes = [0, 1]")
	if nodes < 3 || kind == "join" {
		target = "count = 1"
	}
	if kind == "join" && spare == 0 {
		kind = "crash" // there is nobody who could join
	}
	repeat := g.pick("repeat", "", "every = \"2s\"\n", "every = \"2s\"\ntimes = 2\n")
	if kind == "anomaly" {
		repeat = "" // it repeats itself
	}
	return fmt.Sprintf("\n[[fault]]\nat = \"%dms\"\nkind = %q\n%s\n%s\n%s",
		rapid.IntRange(0, 1000*seconds).Draw(g.t, "at"), kind, target, repeat, parameters[kind])
}
