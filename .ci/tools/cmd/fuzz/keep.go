package main

import (
	"context"
	"fmt"

	"github.com/starling-sim/starling/tools/fuzz"
)

// keep makes a selection of what was found to be of interest into seeds.
func keep(ctx context.Context, c *fuzz.Campaign, targets []fuzz.Target) error {
	if err := c.Build(ctx, targets, false); err != nil {
		return err
	}
	for _, t := range targets {
		n, err := c.Keep(ctx, t)
		if err != nil {
			return err
		}
		if n > 0 {
			fmt.Printf("%s: %d seeds added\n", t.Seeds(), n)
		}
	}
	return nil
}
