package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"lode/chain/wallet"
	"lode/miner"
)

// openWallet loads the wallet file, if there is one, or makes one if that was
// asked for.
func (n *node) openWallet() (*wallet.Keystore, error) {
	keys, err := n.options.keystore()
	if err != nil {
		return nil, err
	}
	_, err = keys.Load()
	switch {
	case err == nil:
		n.log.Info("wallet loaded", "file", n.options.wallet(), "encrypted", n.options.passphrase != "")
	case errors.Is(err, wallet.ErrEncrypted):
		return nil, fmt.Errorf("%w; --wallet-passphrase-file names the file that has it", err)
	case errors.Is(err, wallet.ErrPassphrase):
		return nil, fmt.Errorf("--wallet-passphrase-file %s: %w", n.options.passphrase, err)
	case !errors.Is(err, wallet.ErrNotFound):
		return nil, fmt.Errorf("%w; mend it or move it away", err)
	case n.options.createWallet:
		if _, err := keys.Create(); err != nil {
			return nil, err
		}
		n.log.Info("wallet made; keep its file, it holds the private key", "file", n.options.wallet(),
			"encrypted", n.options.passphrase != "")
	case n.options.mine:
		return nil, fmt.Errorf("--mine: %w (%s); --create-wallet makes one", miner.ErrNoWallet, n.options.wallet())
	default:
		n.log.Info("there is no wallet yet: POST /wallet makes one", "file", n.options.wallet())
	}
	return keys, nil
}

// keystore is the node's wallet file, still unread.
func (o *options) keystore() (*wallet.Keystore, error) {
	if o.passphrase == "" {
		return wallet.NewKeystore(o.wallet(), o.walletBits), nil
	}
	passphrase, err := readPassphrase(o.passphrase)
	if err != nil {
		return nil, fmt.Errorf("--wallet-passphrase-file: %w", err)
	}
	return wallet.NewEncryptedKeystore(o.wallet(), o.walletBits, passphrase), nil
}

// readPassphrase is a file's one line. A second one is refused: who wrote it may
// have meant it to count.
func readPassphrase(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	switch {
	case line == "":
		return "", fmt.Errorf("%s is empty", path)
	case strings.Contains(line, "\n"):
		return "", fmt.Errorf("%s has more than one line", path)
	}
	return line, nil
}
