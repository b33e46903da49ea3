package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"lode/api/client"
	"lode/api/peer"
)

func newPeersCommand() *cobra.Command {
	list := func(cmd *cobra.Command, r *remote, _ []string) error {
		return askNode(cmd, r, http.MethodGet, "/v1/peers", nil, writePeers)
	}
	cmd := remoteCommand("peers", "List a running node's peers, add or remove one, or take over a longer chain",
		`peers lists the nodes that a running node knows, and how it has got on with them.`, list)
	cmd.Args = cobra.NoArgs
	cmd.Example = `  miner peers
  miner peers add 127.0.0.1:5001
  miner peers resolve`
	cmd.AddCommand(
		withArgs(cobra.NoArgs, remoteCommand("list", "List the peers", "list is the same as peers alone.", list)),
		withArgs(cobra.ExactArgs(1), remoteCommand("add HOST:PORT", "Add a peer", "add makes a node known to the running one, and lists the peers.", addPeer)),
		withArgs(cobra.ExactArgs(1), remoteCommand("remove HOST:PORT", "Remove a peer", "remove makes the running node forget a peer, and lists those that are left.", removePeer)),
		withArgs(cobra.NoArgs, remoteCommand("resolve", "Take over the longest valid chain of the peers",
			"resolve reads the chains of all peers, which may take long, and takes over the longest\none that is valid, if it is longer than the node's own.", resolvePeers)),
	)
	return cmd
}

func withArgs(args cobra.PositionalArgs, cmd *cobra.Command) *cobra.Command {
	cmd.Args = args
	return cmd
}

func addPeer(cmd *cobra.Command, r *remote, args []string) error {
	return askNode(cmd, r, http.MethodPost, "/v1/peers", map[string]string{"address": args[0]}, writePeers)
}

func removePeer(cmd *cobra.Command, r *remote, args []string) error {
	if _, err := r.call(cmd, http.MethodDelete, escaped("peers", args[0]), nil); err != nil {
		return err
	}
	return askNode(cmd, r, http.MethodGet, "/v1/peers", nil, writePeers)
}

// resolvePeers waits as long as it takes, unless --timeout says otherwise.
func resolvePeers(cmd *cobra.Command, r *remote, _ []string) error {
	if !cmd.Flags().Changed("timeout") {
		r.timeout = resolveTimeout
	}
	stop := watchIncoming(cmd, r)
	text, err := r.call(cmd, http.MethodPost, "/v1/peers/resolve", nil)
	stop()
	if err != nil {
		return err
	}
	return showAnswer(cmd, r, text, func(out io.Writer, s client.Resolution) {
		if s.Replaced {
			fmt.Fprintf(out, "the chain was replaced, height %d\n", s.Height)
		} else {
			fmt.Fprintf(out, "no peer has a longer valid chain, height %d\n", s.Height)
		}
	})
}

// watchIncoming tells how far the node is with a peer's chain, until it is told to stop.
func watchIncoming(cmd *cobra.Command, r *remote) (stop func()) {
	tell := newReporter(cmd.ErrOrStderr(), slog.LevelInfo)
	bar, stage := tell.progress("", 0), ""
	end := atEach(incomingInterval, func(ctx context.Context) {
		incoming := r.incoming(ctx)
		if incoming == nil {
			return
		}
		if incoming.Stage != stage {
			bar.end()
			bar, stage = tell.progress("", 0), incoming.Stage
		}
		bar.task = plain(fmt.Sprintf("%s %d blocks of %s", incoming.Stage, incoming.Blocks, incoming.Peer))
		bar.set(incoming.Done, incoming.Total)
	})
	return func() {
		end()
		bar.end()
	}
}

// incoming asks for a peer's chain on its way into the node's. A node that doesn't tell
// is no error: what counts is the answer that the command waits for.
func (r *remote) incoming(ctx context.Context) *client.Incoming {
	c, err := r.client()
	if err != nil {
		return nil
	}
	text, err := c.Call(ctx, http.MethodGet, "/v1/peers", nil)
	if err != nil {
		return nil
	}
	list, err := client.Decode[client.Peers](text)
	if err != nil {
		return nil
	}
	return list.Incoming
}

// incomingInterval is between two questions how far the node is.
const incomingInterval = time.Second

// resolveTimeout is more than the node allows its peers.
const resolveTimeout = 24 * time.Hour

func writePeers(out io.Writer, list client.Peers) {
	states := map[string]client.Peer{}
	for _, p := range list.States {
		states[p.Address] = p
	}
	if len(list.Peers) == 0 {
		fmt.Fprintln(out, "There are no peers; `miner peers add HOST:PORT` adds one.")
		return
	}
	fmt.Fprintln(out, "PEER\tSTATE\tLAST SEEN\tQUEUED\tSENT\tFAILED\tDROPPED\tNOTE")
	for _, address := range list.Peers {
		p, hasState := states[address]
		if !hasState {
			fmt.Fprintf(out, "%s\t-\t-\t-\t-\t-\t-\tthis node itself, or no address\n", plain(address))
			continue
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", plain(address), plain(p.State), moment(p.LastSeen),
			p.Queued, p.Sent, p.Failed, p.Dropped, cmp.Or(plain(peerNote(p)), "-"))
	}
}

// peerNote says what is wrong with a peer.
func peerNote(p client.Peer) string {
	note := cmp.Or(p.Reason, p.LastError)
	if p.State == string(peer.StateInvalid) && !p.SetAsideUntil.IsZero() {
		note = "set aside until " + moment(p.SetAsideUntil) + ": " + note
	}
	return note
}

// moment is a time as tables show it: in UTC, as the node's log.
func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}
