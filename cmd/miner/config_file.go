package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	toml "github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Errors of a configuration file, beside the system's and those of TOML itself.
var (
	errUnknownKey = errors.New("there is no such setting")
	errValueType  = errors.New("wrong type")
)

// configFile is the flag that names the configuration file.
const configFile = "config"

// bindConfig adds the flag of commands whose other flags the file may set.
func bindConfig(flags *pflag.FlagSet) {
	flags.String(configFile, "", "TOML file with values of the node's flags, like port = 5000; flags and the environment win over it")
}

// originOf is where a flag's value comes from, kept with the flag.
const originOf = "origin"

// What originOf holds first; the second entry says more.
const (
	fromCommandLine = "flag"        // with the flag
	fromVariable    = "environment" // with the variable
	fromConfigFile  = "file"        // with file:line
	fromDefault     = "default"
)

func setOrigin(flag *pflag.Flag, origin ...string) {
	if flag.Annotations == nil {
		flag.Annotations = map[string][]string{}
	}
	flag.Annotations[originOf] = origin
}

// origin returns where a flag's value comes from, and in which words it is set there.
func origin(flag *pflag.Flag) (kind, where string) {
	switch of := flag.Annotations[originOf]; {
	case of != nil:
		return of[0], of[1]
	case flag.Changed:
		return fromCommandLine, "--" + flag.Name
	}
	return fromDefault, ""
}

// settle gives every flag that was not on the command line the value of its
// environment variable or else of the configuration file, if they have one.
func settle(cmd *cobra.Command, _ []string) error {
	if err := fromEnvironment(cmd.Flags()); err != nil {
		return err
	}
	return fromFile(cmd.Flags())
}

// fromEnvironment sets what the environment has a value for.
func fromEnvironment(flags *pflag.FlagSet) error {
	var failed error
	flags.VisitAll(func(flag *pflag.Flag) {
		name := environmentPrefix + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		value, set := os.LookupEnv(name)
		if !set || flag.Changed || flag.Name == "help" || failed != nil {
			return
		}
		if err := flags.Set(flag.Name, value); err != nil {
			failed = fmt.Errorf("environment variable %s: %w", name, err)
		}
		setOrigin(flag, fromVariable, name)
	})
	return failed
}

// fromFile sets what the configuration file has a value for, if the command takes one
// and it is named.
func fromFile(flags *pflag.FlagSet) error {
	named := flags.Lookup(configFile)
	if named == nil || named.Value.String() == "" {
		return nil
	}
	path := named.Value.String()
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	keys, err := parseConfig(path, content)
	if err != nil {
		return err
	}
	for _, k := range keys {
		flag := flags.Lookup(k.name)
		if flag == nil || flag.Changed { // one of the node's that this command lacks, or one that was set
			continue
		}
		if err := k.set(flags, flag); err != nil {
			return fmt.Errorf("%s: %s: %w", k.place, k.name, err)
		}
		setOrigin(flag, fromConfigFile, k.place)
	}
	return nil
}

// configKey is one key of a configuration file.
type configKey struct {
	name  string
	place string // file:line
	value any    // as package toml decodes it
}

// parseConfig reads a configuration file. Its keys are the names of the node's flags,
// whatever command it is for; another one, or a value of another type, is an error with
// the file and the line.
func parseConfig(path string, content []byte) ([]configKey, error) {
	var values map[string]any
	if err := toml.Unmarshal(content, &values); err != nil {
		if at, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, column := at.Position()
			return nil, fmt.Errorf("%s:%d:%d: %s", path, line, column, strings.TrimPrefix(at.Error(), "toml: "))
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	known := newNodeFlags(&options{})
	keys := make([]configKey, 0, len(values))
	for _, at := range positions(content) {
		line, _ := at.Position()
		k := configKey{at.Key()[0], fmt.Sprintf("%s:%d", path, line), values[at.Key()[0]]}
		flag := known.Lookup(k.name)
		if flag == nil || k.name == configFile {
			return nil, fmt.Errorf("%s: %q: %w%s", k.place, strings.Join(at.Key(), "."), errUnknownKey, suggest(known, k.name))
		}
		if err := k.check(flag); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", k.place, k.name, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// positions are where the keys of a valid file are: all are missing in a struct
// without fields.
func positions(content []byte) []toml.DecodeError {
	err := toml.NewDecoder(strings.NewReader(string(content))).DisallowUnknownFields().Decode(&struct{}{})
	if missing, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		slices.SortStableFunc(missing.Errors, func(a, b toml.DecodeError) int {
			lineA, _ := a.Position()
			lineB, _ := b.Position()
			return cmp.Compare(lineA, lineB)
		})
		return missing.Errors
	}
	return nil
}

// suggest names the settings that a wrong name may have meant.
func suggest(known *pflag.FlagSet, wrong string) string {
	// Package cobra has the distance between words for commands alone.
	names := &cobra.Command{SuggestionsMinimumDistance: 2}
	known.VisitAll(func(flag *pflag.Flag) {
		if flag.Name != configFile {
			names.AddCommand(&cobra.Command{Use: flag.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	nearest := names.SuggestionsFor(wrong)
	if len(nearest) == 0 {
		return "; a key is the name of one of the flags that `miner --help` lists, without dashes before it"
	}
	return "; is it " + strings.Join(nearest, " or ") + "?"
}

// Types of flags, as package pflag names them, in words.
var flagTypes = map[string]string{
	"int": "a whole number", "bool": "true or false", "string": "a text in quotes", "stringSlice": "a list of texts",
}

// check tells whether the value has the flag's type.
func (k configKey) check(flag *pflag.Flag) error {
	fits := false
	switch value := k.value.(type) {
	case int64:
		fits = flag.Value.Type() == "int"
	case bool:
		fits = flag.Value.Type() == "bool"
	case string:
		fits = flag.Value.Type() == "string"
	case []any:
		fits = flag.Value.Type() == "stringSlice" && !slices.ContainsFunc(value, func(v any) bool {
			_, isText := v.(string)
			return !isText
		})
	}
	if !fits {
		return fmt.Errorf("%w: it must be %s", errValueType, flagTypes[flag.Value.Type()])
	}
	return nil
}

// set gives a flag the value, which has its type.
func (k configKey) set(flags *pflag.FlagSet, flag *pflag.Flag) error {
	switch value := k.value.(type) {
	case int64:
		return flags.Set(flag.Name, strconv.FormatInt(value, 10))
	case bool:
		return flags.Set(flag.Name, strconv.FormatBool(value))
	case string:
		return flags.Set(flag.Name, value)
	case []any:
		texts := make([]string, 0, len(value))
		for _, v := range value {
			texts = append(texts, v.(string))
		}
		return replaceList(flag, texts)
	}
	return errValueType
}

// replaceList gives a flag that is a list its entries, which may hold commas.
func replaceList(flag *pflag.Flag, entries []string) error {
	list, isList := flag.Value.(pflag.SliceValue)
	if !isList {
		return errValueType
	}
	flag.Changed = true
	return list.Replace(entries)
}
