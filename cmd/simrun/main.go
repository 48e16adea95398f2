// Simrun runs experiments with gossip and replication protocols in a seeded
// virtual world.
//
//	simrun run quickstart             one run, with its verdict, plots and report
//	simrun sweep swim/dissemination   every point of a sweep, on all cores
//	simrun list                       what else there is
//
// With --real a run is one of real processes, in real time:
//
//	simrun run quickstart --real --set nodes.count=32
//
// The scenario language is described in package scenarios, the measures by
// "simrun metrics". See "simrun help" for the rest.
//
// # Exit status
//
//	0    the run went through and every expectation holds
//	1    the run went through and an expectation failed
//	2    the scenario or the command line is wrong; standard error says where
//	3    an internal fault: a defect of Starling, or of the machine it runs on
//	130  interrupted by a signal; what a sweep had finished is kept
//
// # Reading order
//
// root.go is the command tree, one file a command; execute.go runs one world,
// real.go one scenario on processes (package real), results.go lays down what
// they leave behind, points.go and pool.go are the sweep.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(simrun()) }

// simrun runs the command line of this process and returns its exit status.
func simrun() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the default handling is back, so that a second
	// one ends the process at once.
	context.AfterFunc(ctx, stop)
	a := newApp(os.Stdout, os.Stderr)
	return a.main(ctx, os.Args[1:])
}
