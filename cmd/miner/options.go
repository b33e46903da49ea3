package main

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"lode/chain"
	"lode/chain/wallet"
	"lode/chain/wire"
	"lode/miner"
)

// environmentPrefix precedes a flag's name, in capitals with underscores, in
// the environment: --data-dir is MINER_DATA_DIR.
const environmentPrefix = "MINER_"

// Defaults of flags that several commands have.
const (
	defaultPort       = 5000 // of the original
	defaultHost       = "127.0.0.1"
	defaultWalletBits = 2048
)

// When the original's text file is written at a clean stop.
const (
	classicAuto   = "auto"   // while the chain has at most classicMaxBlocks blocks
	classicAlways = "always" // whatever the length
	classicNever  = "never"  // neither written nor read
)

// classicMaxBlocks bounds the text file in auto mode: the original rewrites
// all of it at every change, so a longer one helps nobody.
const classicMaxBlocks = 10_000

// options is everything the command line decides.
type options struct {
	host         string
	port         int
	dataDir      string
	difficulty   int
	classicFile  string
	walletBits   int
	createWallet bool
	passphrase   string // the path of its file

	workers       int
	cpus          string
	pin           bool
	kernel        string
	search        string
	mine          bool
	resolve       bool
	peers         []string
	refuse        bool
	rewardMessage string
	index         bool
	priority      string

	gpu    gpuOptions
	access accessOptions

	logFormat string
	logLevel  string

	flags *pflag.FlagSet // that set all above and tell where from; nil: nobody asks
}

// bindStore adds the flags that say which ledger is meant.
func (o *options) bindStore(flags *pflag.FlagSet) {
	flags.IntVarP(&o.port, "port", "p", defaultPort, "port of the REST API; it also names the node's files")
	flags.StringVar(&o.dataDir, "data-dir", ".", "folder of the database, the text file and the wallet")
	bindConfig(flags)
	flags.IntVar(&o.difficulty, "difficulty", chain.DefaultDifficulty, "hex zeros that a proof of work's hash begins with; the same on every node of a network")
}

// bindNode adds the flags of a running node.
func (o *options) bindNode(flags *pflag.FlagSet) {
	flags.StringVar(&o.host, "host", defaultHost, "address that the REST API listens on")
	flags.StringVar(&o.classicFile, "classic-file", classicAuto, "the original node's text file is read at the start, and written at a clean stop: auto (up to 10,000 blocks), always, or never (nor read)")
	flags.IntVar(&o.walletBits, "wallet-bits", defaultWalletBits, "size of a new wallet's RSA key; the original makes 1024")
	flags.StringVar(&o.passphrase, "wallet-passphrase-file", "", "file whose one line encrypts the wallet file; a plain one is encrypted at the start")
	flags.BoolVar(&o.createWallet, "create-wallet", false, "make a wallet at the start if there is none")
	flags.BoolVar(&o.mine, "mine", false, "mine without end; implies --auto-resolve")
	flags.StringVar(&o.rewardMessage, "reward-message", "", "text that the rewards of mined blocks carry, for all to read: one line of at most 1,000 bytes")
	flags.BoolVar(&o.resolve, "auto-resolve", false, "take over longer chains of the peers without being asked")
	flags.StringSliceVar(&o.peers, "peer", nil, "peer to add at the start, as host:port; may be given several times")
	flags.BoolVar(&o.refuse, "refuse-replays", false, "refuse payments of peers that equal an open or confirmed one, honest second payments too")
	flags.BoolVar(&o.index, "index", true, "keep an index, so that /v1 finds transactions by ID and the history of addresses; its file may be deleted")
	o.bindEngine(flags)
	o.access.bind(flags)
	flags.StringVar(&o.logFormat, "log-format", "text", "log lines as text or json")
	flags.StringVar(&o.logLevel, "log-level", "info", "least severe log lines that are shown: debug, info, warn or error")
}

// bindEngine adds the flags that say what searches for proofs, and in which order.
func (o *options) bindEngine(flags *pflag.FlagSet) {
	flags.IntVar(&o.workers, "workers", 0, "mining workers, one thread each; 0 = as many as the machine allows")
	flags.StringVar(&o.cpus, "cpus", "", "CPUs to mine on, like 0-3,8; empty = all that are allowed")
	flags.BoolVar(&o.pin, "pin", true, "pin each worker to its CPU")
	flags.StringVar(&o.kernel, "kernel", "", "search kernel by name; empty = the best one of this machine")
	flags.StringVar(&o.search, "search", "fastest", "order of the proofs tried: fastest; smallest, as the original does; or long, proofs of up to 128 digits, which are quicker to find")
	flags.StringVar(&o.priority, "priority", "idle", "scheduling priority of the workers: idle, low or normal")
	o.gpu.bind(flags)
}

// newNodeFlags are all flags of a node, which set o.
func newNodeFlags(o *options) *pflag.FlagSet {
	flags := pflag.NewFlagSet("miner", pflag.ContinueOnError)
	o.bindStore(flags)
	o.bindNode(flags)
	return flags
}

// checkStore refuses values of bindStore's flags that their types allow.
func (o *options) checkStore() error {
	switch {
	case o.port < 1 || o.port > 65535:
		return fmt.Errorf("--port %d: a port is a number from 1 to 65535", o.port)
	case o.difficulty < 0 || o.difficulty > 64:
		return fmt.Errorf("--difficulty %d: a SHA-256 hash has 0 to 64 hex digits", o.difficulty)
	}
	return nil
}

func (o *options) checkWalletBits() error {
	if o.walletBits < wallet.MinBits || o.walletBits > wallet.MaxBits {
		return fmt.Errorf("--wallet-bits %d: %w", o.walletBits, wallet.ErrKeySize)
	}
	return nil
}

// check refuses values of all flags that their types allow.
func (o *options) check() error {
	if err := o.checkStore(); err != nil {
		return err
	}
	switch {
	case o.workers < 0:
		return fmt.Errorf("--workers %d: must be 0 (all that the machine allows) or more", o.workers)
	case !slices.Contains([]string{classicAuto, classicAlways, classicNever}, o.classicFile):
		return fmt.Errorf("--classic-file %q: must be auto, always or never", o.classicFile)
	}
	if err := o.checkWalletBits(); err != nil {
		return err
	}
	if _, err := miner.ParseMode(o.search); err != nil {
		return fmt.Errorf("--search: %w", err)
	}
	if err := wire.CheckRewardMessage(o.rewardMessage); err != nil {
		return fmt.Errorf("--reward-message: %w", err)
	}
	if _, err := o.gpu.numbers(); err != nil {
		return err
	}
	return o.checkAccess()
}

// engine is the part of an engine's configuration that the flags decide.
func (o *options) engine() (miner.Config, error) {
	cpus, err := miner.ParseCPUs(o.cpus)
	if err != nil {
		return miner.Config{}, fmt.Errorf("--cpus %q: %w", o.cpus, err)
	}
	priority, err := miner.ParsePriority(o.priority)
	if err != nil {
		return miner.Config{}, fmt.Errorf("--priority: %w", err)
	}
	return miner.Config{Workers: o.workers, CPUs: cpus, Pin: o.pin, Priority: priority, Kernel: o.kernel, DeviceUse: o.gpu.deviceUse()}, nil
}

// database is the path of the node's database.
func (o *options) database() string {
	return filepath.Join(o.dataDir, "chain-"+strconv.Itoa(o.port)+".db")
}

// indexPath is the path of the index, which follows from the database.
func (o *options) indexPath() string {
	return filepath.Join(o.dataDir, "index-"+strconv.Itoa(o.port)+".db")
}

// classicPath is the path of the original's text file.
func (o *options) classicPath() string {
	return filepath.Join(o.dataDir, "basicBlockChain"+strconv.Itoa(o.port)+".txt")
}

// wallet is the path of the wallet file, named as the original names it.
func (o *options) wallet() string {
	return filepath.Join(o.dataDir, "WalletKeys_"+strconv.Itoa(o.port)+".txt")
}

// spool names the files in which longer branches wait for their check.
func (o *options) spool() string {
	return filepath.Join(o.dataDir, "lode-branch-"+strconv.Itoa(o.port))
}

// address is what the REST API listens on.
func (o *options) address() string { return net.JoinHostPort(o.hostName(), strconv.Itoa(o.port)) }

// self are the addresses under which this node may stand in its own list of
// peers. A host that can't be listed is left out: it only costs a message that
// the node sends to itself.
func (o *options) self() []string {
	hosts := []string{o.hostName(), "localhost", "127.0.0.1", "::1"}
	if isWildcard(o.hostName()) {
		addresses, _ := net.InterfaceAddrs()
		for _, address := range addresses {
			if network, ok := address.(*net.IPNet); ok {
				hosts = append(hosts, network.IP.String())
			}
		}
	}
	self := make([]string, 0, len(hosts))
	for _, host := range hosts {
		self = append(self, net.JoinHostPort(host, strconv.Itoa(o.port)))
	}
	return self
}
