package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrOrphan is why a process ends whose orchestrator has gone.
var ErrOrphan = errors.New("who started this process has gone")

// beginning is what an orchestrator says to a process that is held: a line of
// JSON.
type beginning struct {
	// Epoch is World.Epoch. The process waits for it.
	Epoch int64 `json:"epoch"`
}

// Begin tells a process that is held when the run began, or will.
func Begin(to io.Writer, epoch time.Time) error {
	if err := json.NewEncoder(to).Encode(beginning{epoch.UnixNano()}); err != nil {
		return fmt.Errorf("tell a node to begin: %w", err)
	}
	return nil
}

// Hold waits until the orchestrator, at the other end of from, says that the run
// begins, and until it does. The context that it returns is done when ctx is, or
// when from ends: a process does not outlive its orchestrator. A goroutine reads
// on until then.
func (w *World) Hold(ctx context.Context, from io.Reader) (context.Context, error) {
	ctx, end := context.WithCancelCause(ctx)
	said := make(chan beginning, 1)
	go func() {
		d := json.NewDecoder(from)
		var b beginning
		if err := d.Decode(&b); err != nil {
			end(fmt.Errorf("wait for the run to begin: %w", errors.Join(ErrOrphan, err)))
			return
		}
		said <- b
		_, _ = io.Copy(io.Discard, from)
		end(ErrOrphan)
	}()
	select {
	case b := <-said:
		w.epoch.Store(b.Epoch)
		select {
		case <-time.After(time.Until(time.Unix(0, b.Epoch))):
			return ctx, nil
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	return ctx, context.Cause(ctx)
}
