package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"lode/api/client"
	"lode/chain/wallet"
	"lode/chain/wire"
)

var (
	// errNoWallet is a node or a folder without a wallet.
	errNoWallet = errors.New("there is no wallet; `miner wallet new` makes one")
	// errHasWallet is a wallet that a new one would take the place of.
	errHasWallet = errors.New("there is a wallet already; with --replace another one takes its place, and the old one's file is kept beside it")
	// errNotShown is a private key that would go elsewhere than to a terminal.
	errNotShown = errors.New("--private shows the key on a terminal alone; programs read the wallet file")
	// errRecipient is an argument that nobody can be paid by, though the network takes the
	// empty one.
	errRecipient = errors.New("RECIPIENT must be an address, and not empty")
	// errAmount is an argument that is no amount.
	errAmount = errors.New("AMOUNT must be a number of coins above 0, like 5 or 2.5")
)

func newWalletCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "wallet", Short: "Make or show a node's wallet, and pay with it",
		Example: `  miner wallet new
  miner wallet balance
  miner wallet send RECIPIENT 2.5
  miner wallet send --message "hello"`,
	}
	cmd.AddCommand(newWalletNewCommand(), newWalletShowCommand(), newWalletBalanceCommand(), newWalletSendCommand())
	return cmd
}

// bindOffline adds the flags of commands that can do without a node.
func bindOffline(cmd *cobra.Command, r *remote, offline *bool) {
	flags := cmd.Flags()
	flags.BoolVar(offline, "offline", false, "ask no node, but use the wallet file; that happens, too, if no node answers and --url isn't given")
	flags.StringVar(&r.passphrase, "wallet-passphrase-file", "", "file whose one line opens the wallet file, when no node is asked")
}

// askOrOffline asks the node, or returns that it has to be done without: because that was
// asked for, or because there is no node.
func (r *remote) askOrOffline(cmd *cobra.Command, offline bool, method, path string, body any) (text []byte, without bool, err error) {
	if offline {
		return nil, true, nil
	}
	text, err = r.call(cmd, method, path, body)
	if errors.Is(err, client.ErrNoNode) && r.url == "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "no node answers at %s: using the wallet file %s\n", r.base(), r.wallet())
		return nil, true, nil
	}
	return text, false, err
}

func newWalletNewCommand() *cobra.Command {
	var offline, replace bool
	var r remote
	cmd := &cobra.Command{
		Use: "new", Short: "Make a wallet",
		Long: `new makes a wallet, on a running node or else in the file where a node that is started
later finds it. Keep that file: it holds the private key, and without it the coins
are lost.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body := map[string]bool{"replace": replace}
			text, without, err := r.askOrOffline(cmd, offline, http.MethodPost, "/v1/wallet", body)
			if problem, ok := errors.AsType[*client.Problem](err); ok && problem.Status == http.StatusConflict && !replace {
				return errHasWallet
			}
			if err != nil {
				return err
			}
			if without {
				return walletNewOffline(cmd, &r, replace)
			}
			return showAnswer(cmd, &r, text, writeWallet)
		},
	}
	r.bind(cmd)
	bindOffline(cmd, &r, &offline)
	cmd.Flags().IntVar(&r.walletBits, "wallet-bits", defaultWalletBits, "size of the wallet's RSA key, when no node is asked")
	cmd.Flags().BoolVar(&replace, "replace", false, "take the place of the wallet that is there, whose file is kept beside it")
	return cmd
}

func walletNewOffline(cmd *cobra.Command, r *remote, replace bool) error {
	if _, err := os.Lstat(r.wallet()); !errors.Is(err, fs.ErrNotExist) && !replace {
		return fmt.Errorf("%s: %w", r.wallet(), errHasWallet)
	}
	if err := r.checkWalletBits(); err != nil {
		return err
	}
	keys, err := r.keystore()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.dataDir, 0o700); err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	w, err := keys.Create()
	if err != nil {
		return err
	}
	return showFile(cmd, r, w)
}

// fileWallet is what is known of a wallet without a node. Its JSON is stable.
type fileWallet struct {
	Exists    bool   `json:"exists"`
	Address   string `json:"address"`
	Encrypted bool   `json:"encrypted"`
	File      string `json:"file"`
}

func showFile(cmd *cobra.Command, r *remote, w *wallet.Wallet) error {
	text, err := json.Marshal(fileWallet{true, w.Address(), r.passphrase != "", r.wallet()})
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	return showAnswer(cmd, r, text, func(out io.Writer, w fileWallet) {
		fmt.Fprintf(out, "file\t%s\n", w.File)
		fmt.Fprintf(out, "address\t%s\n", w.Address)
		fmt.Fprintf(out, "encrypted\t%s\n", yesOrNo(w.Encrypted))
	})
}

func yesOrNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func writeWallet(out io.Writer, w client.Wallet) {
	fmt.Fprintf(out, "address\t%s\n", plain(w.Address))
	fmt.Fprintf(out, "encrypted\t%s\n", yesOrNo(w.Encrypted))
	fmt.Fprintf(out, "confirmed\t%s\n", w.Confirmed)
	fmt.Fprintf(out, "available\t%s\n", w.Available)
}

func newWalletShowCommand() *cobra.Command {
	var offline, private bool
	var r remote
	cmd := &cobra.Command{
		Use: "show", Short: "Show the wallet's address",
		Long: `show prints the wallet's address, which others pay to, and what it owns if a node runs.

The private key is shown with --private alone, from the wallet file and on a terminal:
who has it can spend the coins. No node is asked for it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if private {
				return showPrivate(cmd, &r)
			}
			return walletShow(cmd, &r, offline)
		},
	}
	r.bind(cmd)
	bindOffline(cmd, &r, &offline)
	cmd.Flags().BoolVar(&private, "private", false, "show the private key, on a terminal")
	return cmd
}

func walletShow(cmd *cobra.Command, r *remote, offline bool) error {
	text, without, err := r.askOrOffline(cmd, offline, http.MethodGet, "/v1/wallet", nil)
	if err != nil {
		return err
	}
	if without {
		w, err := r.load()
		if err != nil {
			return err
		}
		return showFile(cmd, r, w)
	}
	if _, err := existing(text); err != nil {
		return err
	}
	return showAnswer(cmd, r, text, writeWallet)
}

// existing is a node's wallet, errNoWallet if it has none.
func existing(text []byte) (client.Wallet, error) {
	w, err := client.Decode[client.Wallet](text)
	if err == nil && !w.Exists {
		err = errNoWallet
	}
	return w, err
}

// load opens the wallet file as a node does: it closes the file to others, and encrypts
// it if there is a passphrase for it.
func (r *remote) load() (*wallet.Wallet, error) {
	keys, err := r.keystore()
	if err != nil {
		return nil, err
	}
	w, err := keys.Load()
	switch {
	case errors.Is(err, wallet.ErrNotFound):
		return nil, fmt.Errorf("%s: %w", r.wallet(), errNoWallet)
	case errors.Is(err, wallet.ErrEncrypted):
		return nil, fmt.Errorf("%w; --wallet-passphrase-file names the file that has it", err)
	}
	return w, err
}

func showPrivate(cmd *cobra.Command, r *remote) error {
	out, isFile := cmd.OutOrStdout().(*os.File)
	if !isFile || !isTerminal(out) || r.json {
		return errNotShown
	}
	w, err := r.load()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "address  %s\nprivate  %s\n", w.Address(), w.PrivateHex())
	return err
}

func newWalletBalanceCommand() *cobra.Command {
	cmd := remoteCommand("balance [ADDRESS]", "Show what the wallet or any other address owns",
		`balance prints what the node's wallet, or ADDRESS, owns by the blocks (confirmed), and what
of it is left beside the payments that are still open (available).`,
		func(cmd *cobra.Command, r *remote, args []string) error {
			table := func(out io.Writer, b client.Balance) {
				fmt.Fprintf(out, "confirmed\t%s\n", b.Confirmed)
				fmt.Fprintf(out, "available\t%s\n", b.Available)
			}
			if len(args) > 0 {
				return askNode(cmd, r, http.MethodGet, escaped("balances", args[0]), nil, table)
			}
			text, err := r.call(cmd, http.MethodGet, "/v1/wallet", nil)
			if err == nil {
				_, err = existing(text)
			}
			if err != nil {
				return err
			}
			return showAnswer(cmd, r, text, table)
		})
	cmd.Args = cobra.MaximumNArgs(1)
	return cmd
}

func newWalletSendCommand() *cobra.Command {
	var message string
	cmd := remoteCommand("send RECIPIENT AMOUNT | send --message TEXT", "Pay somebody, or write a message into the chain",
		`send signs a payment with the node's wallet and tells the network of it. It is open until
a block takes it up.

A message is a payment of 0 to nobody, whose recipient is the text. Everybody can read
it, for ever.`,
		func(cmd *cobra.Command, r *remote, args []string) error {
			body, err := paymentBody(args, message, cmd.Flags().Changed("message"))
			if err != nil {
				return err
			}
			return askNode(cmd, r, http.MethodPost, "/v1/transactions", body, writePayment)
		})
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("message") {
			return cobra.NoArgs(cmd, args)
		}
		return cobra.ExactArgs(2)(cmd, args)
	}
	cmd.Example = `  miner wallet send RECIPIENT 2.5
  miner wallet send --message "hello"`
	cmd.Flags().StringVar(&message, "message", "", "text of up to 1,000 bytes, instead of RECIPIENT and AMOUNT")
	return cmd
}

func writePayment(out io.Writer, p client.Payment) {
	fmt.Fprintf(out, "id\t%s\n", plain(p.ID))
	if text, isMessage := wire.MessageText(p.Transaction.Recipient); isMessage {
		fmt.Fprintf(out, "message\t%s\n", plain(text))
		return
	}
	fmt.Fprintf(out, "recipient\t%s\n", plain(p.Transaction.Recipient))
	fmt.Fprintf(out, "amount\t%s\n", p.Transaction.Amount)
}

// paymentBody is the body of POST /v1/transactions.
func paymentBody(args []string, message string, isMessage bool) (any, error) {
	if isMessage {
		// The node refuses it as well, but not what JSON has made of a byte that is no text.
		if _, err := wire.MessageRecipient(message); err != nil {
			return nil, fmt.Errorf("--message: %w", err)
		}
		return map[string]string{"message": message}, nil
	}
	if args[0] == "" || !wire.ValidText(args[0]) {
		return nil, fmt.Errorf("%q: %w", args[0], errRecipient)
	}
	amount, err := wire.ParseNumber(args[1])
	if err != nil || !amount.IsFinite() || amount.Sign() <= 0 {
		return nil, fmt.Errorf("%q: %w", args[1], errAmount)
	}
	return map[string]any{"recipient": args[0], "amount": client.Amount{Number: amount}}, nil
}
