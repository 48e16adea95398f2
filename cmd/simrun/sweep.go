package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/scenarios"
)

type sweepFlags struct {
	loadFlags
	seeds   int
	out     string
	shard   shard
	workers int
	json    bool
	force   bool

	realnode string
}

func newSweepCommand(a *app) *cobra.Command {
	var f sweepFlags
	c := &cobra.Command{
		Use:   "sweep SCENARIO",
		Short: "Run every point of a scenario's sweep, on all cores",
		Long: `Run every point of a scenario's sweep with every seed, one world per core, and
put the results together: means with 95 % confidence intervals, plots, tables,
verdicts, report.html.

Every finished run is kept in the result directory at once. After an interrupt
the same command goes on where it stopped, and ends with the same result.
More --seeds go on from there as well; another scenario is refused. With --shard
several machines share the work: give each a share of the same directory, or
copy their points/ together, and "simrun report DIR" judges the whole.

Points whose world is "real" run on real processes, one after the other when all
others are done, and take as long as they say: see "simrun run --real".`,
		Example: `  simrun sweep swim/dissemination
  simrun sweep swim/lifeguard --seeds 40 --out results/lifeguard
  simrun sweep mine.toml --shard 2/4 --out /shared/mine`,
		Args:              wants(1, 1, "a scenario: a file or a name (simrun list)"),
		ValidArgsFunction: completeScenarios,
		RunE: func(c *cobra.Command, args []string) error {
			return a.sweep(c.Context(), args[0], f)
		},
	}
	f.loadFlags.add(c)
	c.Flags().IntVar(&f.seeds, "seeds", 0, "number of seeds per point, counted up from the scenario's seed (default: what the scenario says)")
	c.Flags().StringVar(&f.out, "out", "", "directory for the result (default "+outputRoot+"/SCENARIO/sweep)")
	c.Flags().Var(&f.shard, "shard", "run only the i-th of n shares of the sweep")
	c.Flags().IntVar(&f.workers, "workers", 0, "number of worlds that run at once (default: one per core)")
	c.Flags().BoolVar(&f.json, "json", false, "print sweep.json to standard output and nothing else")
	c.Flags().BoolVar(&f.force, "force", false, "start over: discard what the directory holds")
	c.Flags().StringVar(&f.realnode, "realnode", "", "for points of the real world: the program realnode (default: beside simrun, or in PATH)")
	return c
}

// sweep is one sweep on its way.
type sweep struct {
	app     *app
	dir     string
	store   pointStore
	points  []point
	workers int
	json    bool
	// realnode is empty if no point is of the real world.
	realnode string
}

func (a *app) sweep(ctx context.Context, name string, f sweepFlags) error {
	s, err := f.load(name)
	if err != nil {
		return err
	}
	if f.seeds < 0 || f.workers < 0 {
		return usagef("--seeds %d, --workers %d: want none negative", f.seeds, f.workers)
	}
	if f.force && f.shard.of > 0 {
		return usagef("--force would discard what other shares have done; remove %s first", f.out)
	}
	if f.seeds > 0 {
		if err := s.Set(scenarios.Assignment{Key: "sweep.seeds", Value: strconv.Itoa(f.seeds)}); err != nil {
			return err
		}
	}
	w := &sweep{app: a, dir: f.out, workers: f.workers, json: f.json}
	if w.dir == "" {
		w.dir = filepath.Join(outputRoot, filepath.FromSlash(s.Name), "sweep")
	}
	if w.workers == 0 {
		w.workers = runtime.GOMAXPROCS(0)
	}
	w.store = pointStore{dir: filepath.Join(w.dir, pointsDir)}
	if w.points, err = pointsOf(s); err != nil {
		return err
	}
	if slices.ContainsFunc(w.points, point.real) {
		if w.realnode, err = findRealnode(f.realnode); err != nil {
			return err
		}
	} else if f.realnode != "" {
		return usagef("--realnode is of use to a sweep with points of the real world only")
	}
	if err := w.open(s, f.force); err != nil {
		return err
	}
	if err := w.runMissing(ctx, f.shard); err != nil {
		if errors.Is(err, context.Canceled) {
			return w.interrupted()
		}
		return err
	}
	return w.conclude(f.shard)
}

// open prepares the directory: a new one, or one in which this sweep was
// begun. With force it begins anew.
func (w *sweep) open(s *scenarios.Scenario, force bool) error {
	path := filepath.Join(w.dir, scenarioFile)
	begun := exists(path) && exists(w.store.dir)
	if begun && !force {
		if err := w.checkSame(path, s); err != nil {
			return err
		}
	} else if err := checkReplaceable(w.dir, force); err != nil {
		return err
	}
	if force {
		if err := os.RemoveAll(w.dir); err != nil {
			return usagef("replace the directory for results: %w", err)
		}
	}
	if err := os.MkdirAll(w.store.dir, 0o777); err != nil {
		return usagef("create the directory for results: %w", err)
	}
	files := map[string][]byte{}
	for _, p := range w.points {
		maps.Copy(files, p.files)
	}
	return writeScenario(w.dir, s, files)
}

// checkSame returns what the sweep that was begun in a directory differs in.
func (w *sweep) checkSame(path string, s *scenarios.Scenario) error {
	before, err := loadScenario(path)
	if err != nil {
		return err
	}
	differences, err := scenarioDifferences(before, s)
	if err != nil {
		return err
	}
	for _, p := range w.points {
		for name, content := range p.files {
			old, err := before.ReadFile(name)
			line := "    the content of " + name
			if (err != nil || !bytes.Equal(old, content)) && !slices.Contains(differences, line) {
				differences = append(differences, line)
			}
		}
	}
	if len(differences) == 0 {
		return nil
	}
	return usagef("%s holds a sweep of another scenario; there (-) and now (+):\n%s\nchoose another --out, or start over with --force",
		w.dir, strings.Join(differences, "\n"))
}

// runMissing runs those runs of a share that are not finished yet.
func (w *sweep) runMissing(ctx context.Context, share shard) error {
	var virtual, real []point
	mine, takes := 0, time.Duration(0)
	for i, p := range w.points {
		if !share.has(i) {
			continue
		}
		mine++
		switch {
		case w.store.has(p.key):
		case p.real():
			real = append(real, p)
			takes += p.scenario.Duration.Std()
		default:
			virtual = append(virtual, p)
		}
	}
	if done := mine - len(virtual) - len(real); done > 0 {
		fmt.Fprintf(w.app.stderr, "%d of %s are there already.\n", done, plural(mine, "run"))
	}
	if err := w.runAll(ctx, virtual, w.workers); err != nil {
		return err
	}
	warnOfRealTime(w.app.stderr, takes)
	return w.runAll(ctx, real, 1) // another run beside it would make it late
}

func (w *sweep) runAll(ctx context.Context, points []point, workers int) error {
	if len(points) == 0 {
		return ctx.Err()
	}
	work := int64(0)
	for _, p := range points {
		work += p.work()
	}
	show := newSweepProgress(w.app.stderr, points[0].scenario.Name, len(points), work)
	defer show.close()
	return forEach(ctx, workers, len(points), func(ctx context.Context, i int) error {
		err := guard(func() error { return w.runPoint(ctx, points[i], show) })
		if err != nil {
			return fmt.Errorf("%s: %w", points[i], err)
		}
		return nil
	})
}

// runPoint runs one run and stores it.
func (w *sweep) runPoint(ctx context.Context, p point, show *progress) error {
	nodes, left := int64(nodesOf(p.scenario)), p.work()
	summary, series, err := execute(ctx, p.scenario, executeOptions{
		workers:  1, // the cores are busy with other runs
		realnode: w.realnode,
		advance: func(passed time.Duration, events uint64) {
			work := min(nodes*passed.Microseconds(), left)
			left -= work
			show.advance(work, events)
		},
	})
	if err != nil {
		return err
	}
	summary.Point = p.assign
	err = w.store.put(p.key, func(dir string) error {
		return errors.Join(writeScenario(dir, p.scenario, p.files), writeRun(dir, summary, series))
	})
	if err != nil {
		return err
	}
	show.finishPoint()
	if w.app.onPointStored != nil {
		w.app.onPointStored()
	}
	return nil
}

func (w *sweep) interrupted() error {
	done := 0
	for _, p := range w.points {
		if w.store.has(p.key) {
			done++
		}
	}
	return interruptedError{fmt.Sprintf("%d of %s are finished and kept in %s; the same command goes on from there",
		done, plural(len(w.points), "run"), w.dir)}
}

// conclude puts the runs together if all are there.
func (w *sweep) conclude(share shard) error {
	r, err := loadResult(w.dir)
	var incomplete *incompleteError
	if share.of > 0 && errors.As(err, &incomplete) {
		fmt.Fprintf(w.app.stdout, "Share %s is finished; of all %s %d are still missing.\nOnce they are there: simrun report %s\n",
			&share, plural(incomplete.runs, "run"), incomplete.missing, w.dir)
		return nil
	}
	if err != nil {
		return err
	}
	if len(r.versions) > 1 {
		fmt.Fprintf(w.app.stderr, "Warning: runs in %s were made by version %s; --force starts over.\n", w.dir, r.version())
	}
	p, err := r.publish()
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if err := w.app.printSweep(r, p, w.json); err != nil {
		return err
	}
	if !analysis.AllOK(p.verdicts) {
		return errExpectation
	}
	return nil
}
