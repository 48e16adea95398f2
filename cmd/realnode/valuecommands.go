package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/cmd/realnode/admin"
	"github.com/starling-sim/starling/protocol/crdt"
)

// keyCommand makes a command about the keys of a node. do is given the arguments,
// of which there are least to most, and prints what there is to say.
func keyCommand(c *cobra.Command, f *nodeFlags, least, most int, want string, do func(ctx context.Context, client *admin.Client, args []string) error) *cobra.Command {
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usagef("got %d arguments, want %s", len(args), want)
		}
		if least > 0 && args[0] == "" {
			return usagef("the key is empty")
		}
		return nil
	}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := f.client()
		if err != nil {
			return err
		}
		defer client.Close()
		ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
		defer cancel()
		return do(ctx, client, args)
	}
	f.addJSON(c)
	return c
}

// writeCommand makes a command that changes a key.
func (a *app) writeCommand(c *cobra.Command, least, most int, want string, change func(args []string) (admin.Change, error)) *cobra.Command {
	var f nodeFlags
	return keyCommand(c, &f, least, most, want, func(ctx context.Context, client *admin.Client, args []string) error {
		ch, err := change(args)
		if err != nil {
			return err
		}
		done, err := client.ChangeKey(ctx, []byte(args[0]), ch)
		switch {
		case err != nil:
			return err
		case f.json:
			return json.NewEncoder(a.stdout).Encode(done)
		case done.Count != nil:
			_, err = fmt.Fprintln(a.stdout, *done.Count)
		}
		return err
	})
}

func newPutCommand(a *app) *cobra.Command {
	return a.writeCommand(&cobra.Command{
		Use: "put KEY VALUE|-", Short: "Write a value under a key",
		Long: `Write a value, of at most 1 MiB, under a key, in the place of whatever was there.
With - the value is read from standard input, as it is. The command returns when
the value is on the node's disk; the other nodes get it by and by. That needs a
stack with replica: stack = ["swim", "hyparview", "plumtree", "replica"].`,
		Example: "  realnode put motd \"good morning\"\n  realnode put config/nginx - < nginx.conf",
	}, 2, 2, "two: a key and a value, in quotes if they have spaces, or - for standard input", func(args []string) (admin.Change, error) {
		c := admin.Change{Op: admin.Put, Value: []byte(args[1])}
		if args[1] != "-" {
			return c, nil
		}
		var err error
		// One byte too many is enough to be refused.
		if c.Value, err = io.ReadAll(io.LimitReader(a.stdin, crdt.MaxValue+1)); err != nil {
			return c, fmt.Errorf("read standard input: %w", err)
		}
		return c, nil
	})
}

func newDeleteCommand(a *app) *cobra.Command {
	return a.writeCommand(&cobra.Command{
		Use: "delete KEY", Short: "Delete a key",
		Long:    "Delete a key, whatever it holds. It is an error if it is not there.",
		Example: "  realnode delete motd",
	}, 1, 1, "one: a key", func([]string) (admin.Change, error) { return admin.Change{Op: admin.Delete}, nil })
}

func newIncrementCommand(a *app) *cobra.Command {
	c := a.writeCommand(&cobra.Command{
		Use: "increment KEY [BY]", Short: "Add to a counter",
		Long: `Add a number, 1 if none is given, to the counter under a key, and print what it is
then. Counters of several nodes add up. A value of another kind that was there is
replaced.`,
		Example: "  realnode increment visits\n  realnode increment stock -- -3",
	}, 1, 2, "one or two: a key and a number", func(args []string) (admin.Change, error) {
		c := admin.Change{Op: admin.Increment, By: 1}
		if len(args) == 2 {
			var err error
			if c.By, err = strconv.ParseInt(args[1], 10, 64); err != nil || c.By == 0 {
				return c, usagef("got %q, want a number of 64 bits that is not 0", args[1])
			}
		}
		return c, nil
	})
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		if strings.HasPrefix(err.Error(), "unknown shorthand flag") {
			return usagef("%v (a number below 0 goes behind two dashes: increment KEY -- -3)", err)
		}
		return usageError{err}
	})
	return c
}

func newAddCommand(a *app) *cobra.Command {
	return a.writeCommand(&cobra.Command{
		Use: "add KEY ELEMENT", Short: "Add an element to a set",
		Long:    "Add an element to the set under a key. A value of another kind that was there is\nreplaced.",
		Example: "  realnode add admins alice",
	}, 2, 2, "two: a key and an element", func(args []string) (admin.Change, error) {
		return admin.Change{Op: admin.Add, Value: []byte(args[1])}, nil
	})
}

func newRemoveCommand(a *app) *cobra.Command {
	return a.writeCommand(&cobra.Command{
		Use: "remove KEY ELEMENT", Short: "Remove an element from a set",
		Long:    "Remove an element from the set under a key; without its last one the set is not\nthere any more. It is an error if the key is not there.",
		Example: "  realnode remove admins alice",
	}, 2, 2, "two: a key and an element", func(args []string) (admin.Change, error) {
		return admin.Change{Op: admin.Remove, Value: []byte(args[1])}, nil
	})
}

func newGetCommand(a *app) *cobra.Command {
	var f nodeFlags
	var raw bool
	c := keyCommand(&cobra.Command{
		Use: "get KEY", Short: "Print what a key holds",
		Long: `Print what a key holds, as the node that is asked knows it: a value, a counter, or
the elements of a set, one on a line. What cannot be printed is quoted; --raw
writes the bytes of a value as they are and nothing else.`,
		Example: "  realnode get motd\n  realnode get --raw config/nginx > nginx.conf",
	}, &f, 1, 1, "one: a key", func(ctx context.Context, client *admin.Client, args []string) error {
		v, err := client.Key(ctx, []byte(args[0]))
		switch {
		case err != nil:
			return err
		case f.json:
			return json.NewEncoder(a.stdout).Encode(v)
		case raw && v.Value == nil:
			return fmt.Errorf("%s holds a %s, which has no bytes of its own", args[0], v.Kind)
		case raw:
			_, err = a.stdout.Write(*v.Value)
		case v.Value != nil:
			_, err = fmt.Fprintln(a.stdout, shown(*v.Value))
		case v.Count != nil:
			_, err = fmt.Fprintln(a.stdout, *v.Count)
		default:
			out := bufio.NewWriter(a.stdout)
			for _, e := range v.Elements {
				fmt.Fprintln(out, shown(e))
			}
			err = out.Flush()
		}
		return err
	})
	c.Flags().BoolVar(&raw, "raw", false, "write the bytes of a value as they are")
	return c
}

// shown is what came from who knows whom, as a terminal may have it.
func shown(b []byte) string {
	if text := string(b); admin.Printable(text) {
		return text
	}
	return fmt.Sprintf("%q", b)
}

func newKeysCommand(a *app) *cobra.Command {
	var f nodeFlags
	var limit int
	c := keyCommand(&cobra.Command{
		Use: "keys [PREFIX]", Short: "List the keys that a node has",
		Long: `List the keys that a node has, in the order of their bytes, one on a line; with a
prefix, those that begin with it. With --json each line is an object.`,
		Example: "  realnode keys\n  realnode keys user/ --limit 10",
	}, &f, 0, 1, "at most one: what keys begin with", func(ctx context.Context, client *admin.Client, args []string) error {
		if limit < 0 {
			return usagef("--limit: got %d, want 0, for all, or more", limit)
		}
		var q admin.KeyQuery
		if len(args) == 1 {
			q.Prefix = []byte(args[0])
		}
		out := bufio.NewWriter(a.stdout)
		enc := json.NewEncoder(out)
		for left := limit; ; {
			q.Limit = admin.MaxKeys
			if limit > 0 {
				q.Limit = min(left, admin.MaxKeys)
			}
			page, err := client.Keys(ctx, q)
			if err != nil {
				return err
			}
			for _, key := range page.Keys {
				if f.json {
					err = enc.Encode(key)
				} else {
					_, err = fmt.Fprintln(out, shown(key))
				}
				if err != nil {
					return err
				}
			}
			left -= len(page.Keys)
			if page.Next == "" || len(page.Keys) == 0 || limit > 0 && left <= 0 {
				return out.Flush()
			}
			q.After = page.Keys[len(page.Keys)-1]
		}
	})
	c.Flags().IntVar(&limit, "limit", 0, "print so many `keys` at most; 0: all")
	return c
}
